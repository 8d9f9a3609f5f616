import { writeSync } from "node:fs";
import { createConsola, LogLevels, type LogType } from "consola/core";
import { EXIT, Problem } from "../core/problem.ts";
import { isColoured } from "./colour.ts";
import { isKeyboardHeld } from "./keyboard.ts";
import { hangingLines, talkWidth } from "./text.ts";

const STDOUT = 1;

/** Returns false once the reader has gone. */
export function writeData(text: string): boolean {
  return writeAll(STDOUT, text);
}

/**
 * Writes synchronously, so that nothing is lost at exit. Waits while a terminal or pipe is full. Returns false once the
 * reader has gone (`| head`), so that the caller can stop.
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

export function out(text: string): void {
  writeAll(STDOUT, `${text}\n`);
}

export function say(text: string): void {
  talk.log(text);
}

export function outJson(value: unknown): void {
  out(JSON.stringify(value, undefined, 2));
}

export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** The marks and colours that clack uses for questions, so that messages between them match. */
const PLAIN_MARK = { mark: "●", colour: 34 };
const MARKS: Partial<Record<LogType, { mark: string; colour: number }>> = {
  success: { mark: "◆", colour: 32 },
  warn: { mark: "▲", colour: 33 },
};

const BAR = "│";
const GREY = 90;

/**
 * Messages beside the data go to stderr: with a mark in a terminal, plain elsewhere, aligned with open questions. The
 * level is set because consola would be silent in a test or in CI.
 */
export const talk = createConsola({
  level: LogLevels.info,
  // Equal consecutive lines are intended; by default consola would hold some back.
  throttle: 0,
  reporters: [{ log: ({ type, args }) => tell(type, args.map(String).join(" ")) }],
});

function tell(type: LogType, text: string): void {
  if (type === "log" || process.stderr.isTTY !== true) {
    writeAll(STDERR, `${type === "warn" ? "warning: " : ""}${text}\n`);
    return;
  }
  const { mark, colour } = MARKS[type] ?? PLAIN_MARK;
  const isAlong = isKeyboardHeld();
  const below = isAlong ? paint(BAR, GREY) : " ";
  const lines = text.split("\n").flatMap(fit);
  const shown = lines.map((line, at) => `${at === 0 ? paint(mark, colour) : below}${line.slice(1)}`);
  writeAll(STDERR, `${(isAlong ? [below, ...shown] : shown).join("\n")}\n`);
}

/** Leaves room for the mark; a line that fits keeps its own blanks. */
function fit(line: string): string[] {
  const front = "   ";
  const isLong = Bun.stringWidth(front + line) > talkWidth();
  return isLong ? hangingLines(front, line, talkWidth()) : [front + line];
}

function paint(text: string, colour: number): string {
  return isColoured(process.stderr) ? `\x1b[${colour}m${text}\x1b[39m` : text;
}

/** What happened, then the fix. Only a bug keeps its stack. */
export function failureText(error: unknown): string {
  if (error instanceof Problem) {
    // Some messages begin with the command's name already.
    const head = error.message.startsWith("orouter ") ? error.message : `orouter: ${error.message}`;
    return error.fix === undefined ? head : `${head}\n${error.fix}`;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `orouter: this is a bug in orouter, please report it.\n${stack}`;
}

export function exitCodeOf(error: unknown): number {
  return error instanceof Problem ? error.exit : EXIT.failed;
}
