/**
 * A key as a terminal sends it: a sequence, Alt with a letter, or one character. Escape with anything else behind it is
 * a key of its own: somebody pressed two in a row.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: keys that are no letters begin with Escape
const STROKE = /\x1b\[[0-?]*[ -/]*[@-~]|\x1bO[@-~]|\x1b[A-Za-z0-9.\x7f]|./gsu;

/** What was typed, key by key. */
export function keyStrokes(text: string): string[] {
  return text.match(STROKE) ?? [];
}
