/** Cuts a text into words that keep the space behind them, so that joining them gives the text back. */
export function tokensOf(text: string | string[]): string[] {
  return typeof text === "string" ? (text.match(/\s*\S+\s*/g) ?? (text === "" ? [] : [text])) : text;
}

/** The one answer that every failover scenario is measured against: sixty tokens, the same each time. */
export const CANONICAL_TEXT = [
  "A lighthouse keeper once kept three lamps instead of one.",
  "When the first lamp burned low, the second was already lit,",
  "and when the wind took the second, the third shone on.",
  "The ships at sea never learned which lamp had guided them.",
  "They knew that every night, whatever the weather did,",
  "the light stayed where they looked for it.",
].join(" ");
