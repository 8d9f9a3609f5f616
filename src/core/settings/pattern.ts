const SLASHED = /^\/(.+)\/([dgimsuvy]*)$/s;

/** Flags that only serve a caller of the pattern; `g` and `y` would even make it remember its last call. */
const IDLE_FLAGS = /[dgy]/g;

/** Reads a user's pattern, `/x/i` or plain `x`; undefined when it does not compile. */
export function parsePattern(text: string): RegExp | undefined {
  if (text === "") return undefined;
  const [, source = text, flags = ""] = SLASHED.exec(text) ?? [];
  try {
    return new RegExp(source, flags.replaceAll(IDLE_FLAGS, ""));
  } catch {
    return undefined;
  }
}
