/** Flags that make `run` draw on the whole terminal after all. */
const DRAWING = new Set(["-i", "--interactive", "--mini"]);

/** Whether these words make opencode print line by line: then others may print lines too. */
export function printsAsItGoes(words: readonly string[]): boolean {
  return words[0] === "run" && !words.some((word) => DRAWING.has(word));
}
