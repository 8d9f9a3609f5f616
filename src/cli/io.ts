import { writeSync } from "node:fs";

const STDOUT = 1;
const STDERR = 2;

/** Data, for people and pipes alike. */
export function out(text: string): void {
  write(STDOUT, `${text}\n`);
}

/** Talk: what a script that reads our output must not get. */
export function say(text: string): void {
  write(STDERR, `${text}\n`);
}

export function outJson(value: unknown): void {
  out(JSON.stringify(value, undefined, 2));
}

/** Whether somebody is there to answer a question. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Synchronous, so that nothing is lost at exit; a reader that has gone (`| head`) is no failure of ours. */
function write(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "EAGAIN") continue;
      return;
    }
  }
}
