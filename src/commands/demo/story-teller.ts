import { say } from "../../cli/io.ts";
import type { Paint } from "../../cli/paint.ts";
import { talkWidth } from "../../cli/talk-width.ts";
import type { RouterEvent } from "../../core/routing/router-event.ts";
import type { Call } from "../../demo/call.ts";
import { outcomeOf } from "../../demo/outcome.ts";
import type { Reply } from "../../demo/reply.ts";
import { routerLine } from "../../demo/router-line.ts";
import { storyLine } from "../../demo/story.ts";

/** Longer stories are told from their end. */
const LINES_KEPT = 200;

/** Tells of a scene what its provider said and what the router did about it: at once, or when the terminal is free. */
export class StoryTeller {
  readonly #paint: Paint;
  readonly #isLive: boolean;
  readonly #lines: string[] = [];
  #dropped = 0;

  constructor(paint: Paint, isLive: boolean) {
    this.#paint = paint;
    this.#isLive = isLive;
  }

  replied(call: Call, reply: Reply): void {
    const tone = outcomeOf(reply).isWhole ? "good" : "bad";
    this.#add(this.#paint[tone](storyLine(call, reply)));
  }

  routed(event: RouterEvent): void {
    const line = routerLine(event, Date.now());
    if (line !== undefined) this.#add(`  ${this.#paint.muted(`→ ${line}`)}`);
  }

  /** What could not be told before. */
  tellRest(title: string): void {
    if (this.#lines.length === 0) return;
    say(`\n${this.#paint.strong(`What happened (${title})`)}`);
    if (this.#dropped > 0) say(`  … and ${this.#dropped} lines before these`);
    for (const line of this.#lines) say(told(" ", line));
  }

  #add(line: string): void {
    if (this.#isLive) {
      say(told(this.#paint.accent("[demo]"), line));
      return;
    }
    this.#lines.push(line);
    if (this.#lines.length <= LINES_KEPT) return;
    this.#lines.shift();
    this.#dropped++;
  }
}

/** A line behind its mark. One that is too long for the terminal goes on below itself. */
function told(mark: string, line: string): string {
  const whole = `${mark} ${line}`;
  return Bun.stringWidth(whole) <= talkWidth() ? whole : Bun.wrapAnsi(whole, talkWidth(), { hard: false });
}
