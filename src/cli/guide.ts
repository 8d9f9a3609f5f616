import { sized } from "./sized.ts";
import { talkWidth } from "./talk-width.ts";
import { hangingLines } from "./wrap-text.ts";

/** What is told between questions, along the same line down the left as they stand on. */
export interface Guide {
  begin: (title: string) => void;
  tell: (...lines: readonly string[]) => void;
  succeed: (...lines: readonly string[]) => void;
  warn: (...lines: readonly string[]) => void;
  end: (...lines: readonly string[]) => void;
}

/** Like the questions it is talk. */
const output = sized(process.stderr);

/** The line on the left, and the blanks behind it. */
const MARGIN = 3;

/** Loads what draws the line. */
export async function openGuide(): Promise<Guide> {
  const { intro, log, outro } = await import("@clack/prompts");
  return {
    begin: (title) => intro(title, { output }),
    tell: (...lines) => {
      if (lines.length > 0) log.info(fit(lines).join("\n"), { output });
    },
    succeed: (...lines) => log.success(fit(lines).join("\n"), { output }),
    warn: (...lines) => log.warn(fit(lines).join("\n"), { output }),
    end: (...lines) => outro(fit(lines).join(`\n${" ".repeat(MARGIN)}`), { output }),
  };
}

/** What stands before a gap, a key before what is said of it: the text behind goes on under its own beginning. */
const FRONT = /^(?: *\S+ {2,}| *)/;

/** Breaks the lines that are too long; one that fits stays as it is laid out. */
function fit(lines: readonly string[]): string[] {
  const room = talkWidth() - MARGIN;
  return lines.flatMap((line) => {
    if (Bun.stringWidth(line) <= room) return [line];
    const front = FRONT.exec(line)?.[0] ?? "";
    return hangingLines(front, line.slice(front.length), room);
  });
}
