import { writeSync } from "node:fs";
import { createConsola, LogLevels, type LogType } from "consola/core";
import { EXIT, Problem } from "../core/problem.ts";
import { isColoured } from "./colour.ts";
import { isKeyboardHeld } from "./keyboard.ts";
import { hangingLines, talkWidth } from "./text.ts";

const STDOUT = 1;

/** Data that keeps coming; false once its reader has gone. */
export function writeData(text: string): boolean {
  return writeAll(STDOUT, text);
}

/**
 * Writes at once, so that nothing is lost at exit: false once the reader has gone (`| head`), so that the one who writes can stop. A terminal
 * or a pipe that is full for a moment is waited for.
 */
export function writeAll(fd: number, text: string): boolean {
  const bytes = Buffer.from(text);
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (cause) {
      if (!(cause instanceof Error && "code" in cause && cause.code === "EAGAIN")) return false;
      Bun.sleepSync(1);
    }
  }
  return true;
}

const STDERR = 2;

/** Data, for people and pipes alike. */
export function out(text: string): void {
  writeAll(STDOUT, `${text}\n`);
}

/** Talk: what a script that reads our output must not get. */
export function say(text: string): void {
  writeAll(STDERR, `${text}\n`);
}

export function outJson(value: unknown): void {
  out(JSON.stringify(value, undefined, 2));
}

/** Whether somebody is there to answer a question. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

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

/** A failure as it is told to a person: what happened, then what to do next. A bug keeps its stack; nothing else does. */
export function failureText(error: unknown): string {
  if (error instanceof Problem) {
    // Many a message begins with the command it is about: it says whose it is by itself.
    const head = error.message.startsWith("orouter ") ? error.message : `orouter: ${error.message}`;
    return error.fix === undefined ? head : `${head}\n${error.fix}`;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `orouter: this is a bug in orouter, please report it.\n${stack}`;
}

export function exitCodeOf(error: unknown): number {
  return error instanceof Problem ? error.exit : EXIT.failed;
}
