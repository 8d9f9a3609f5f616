/** What a terminal that does not tell its size is taken for. */
const USUAL_COLUMNS = 80;

/** The width of the terminal behind stderr; a pipe takes lines of any length. */
export function talkWidth(): number {
  return process.stderr.isTTY === true ? process.stderr.columns || USUAL_COLUMNS : Number.POSITIVE_INFINITY;
}
