import { writeAll } from "./write-data.ts";

const STDOUT = 1;
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
