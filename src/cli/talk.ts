import { createConsola, LogLevels, type LogType } from "consola/core";
import { say } from "./io.ts";
import { isColoured } from "./is-coloured.ts";
import { isKeyboardHeld } from "./keyboard.ts";
import { talkWidth } from "./talk-width.ts";
import { hangingLines } from "./wrap-text.ts";

/** The marks and the terminal's own colours that questions have, too: what is told between them is of one piece. */
const PLAIN_MARK = { mark: "●", colour: 34 };
const MARKS: Partial<Record<LogType, { mark: string; colour: number }>> = {
  success: { mark: "◆", colour: 32 },
  warn: { mark: "▲", colour: 33 },
};

const BAR = "│";
const GREY = 90;

/**
 * What a command has to say beside its data: to stderr, with a mark in a terminal, plain elsewhere. Between the questions
 * of a menu it stands along the line that joins them. The level is set, since consola would fall silent in a test or a
 * pipeline.
 */
export const talk = createConsola({
  level: LogLevels.info,
  reporters: [{ log: ({ type, args }) => tell(type, args.map(String).join(" ")) }],
});

function tell(type: LogType, text: string): void {
  if (process.stderr.isTTY !== true) {
    say(type === "warn" ? `warning: ${text}` : text);
    return;
  }
  const { mark, colour } = MARKS[type] ?? PLAIN_MARK;
  const isAlong = isKeyboardHeld();
  const below = isAlong ? paint(BAR, GREY) : " ";
  const lines = text.split("\n").flatMap(fit);
  const shown = lines.map((line, at) => `${at === 0 ? paint(mark, colour) : below}${line.slice(1)}`);
  say((isAlong ? [below, ...shown] : shown).join("\n"));
}

/** Room for the mark in front; a line that fits keeps its own blanks. */
function fit(line: string): string[] {
  const front = "   ";
  const isLong = Bun.stringWidth(front + line) > talkWidth();
  return isLong ? hangingLines(front, line, talkWidth()) : [front + line];
}

function paint(text: string, colour: number): string {
  return isColoured(process.stderr) ? `\x1b[${colour}m${text}\x1b[39m` : text;
}
