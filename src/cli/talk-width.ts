import { USUAL_SIZE } from "./sized.ts";

/** The width of the terminal behind stderr; a pipe takes lines of any length. */
export function talkWidth(): number {
  return process.stderr.isTTY === true
    ? process.stderr.columns || USUAL_SIZE.columns
    : Number.POSITIVE_INFINITY;
}
