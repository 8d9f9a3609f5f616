import { say } from "../../cli/io.ts";
import type { Paint } from "../../cli/paint.ts";
import { talkWidth } from "../../cli/talk-width.ts";
import { wrapText } from "../../cli/wrap-text.ts";
import type { Scene } from "../../demo/scene.ts";

/** Says which scene it is, and what will happen. */
export function sayScene({ title, about }: Scene, { strong }: Paint): void {
  const [first = "", ...more] = wrapText(`${title}. ${about}`, talkWidth());
  say([first.startsWith(title) ? strong(title) + first.slice(title.length) : first, ...more].join("\n"));
}

const LOOK_FOR = "Look for";

/** Says by what one knows that it works. */
export function sayLookFor({ lookFor }: Scene, { accent }: Paint): void {
  if (lookFor === undefined) return;
  const lines = wrapText(`${LOOK_FOR} ${lookFor}`, talkWidth()).join("\n");
  say(accent(LOOK_FOR) + lines.slice(LOOK_FOR.length));
}
