import { writeSync } from "node:fs";

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
