/** A narrower column would show single words. */
const MIN_WIDTH = 24;

/** Never cuts a word: a path or a name that is broken in two cannot be copied. */
export function wrapText(text: string, width: number): string[] {
  const room = Math.max(width, MIN_WIDTH);
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    const longer = `${last} ${word}`;
    if (last !== undefined && Bun.stringWidth(longer) <= room) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

const BELOW = "    ";

export function hangingLines(front: string, text: string, width: number): string[] {
  const indent = Bun.stringWidth(front);
  const lines = wrapText(text, width - indent);
  const isTight = width - indent < MIN_WIDTH && indent > BELOW.length && front.trim() !== "";
  if (isTight && indent + Bun.stringWidth(lines.join(" ")) > width)
    return [front.trimEnd(), ...wrapText(text, width - BELOW.length).map((line) => BELOW + line)];
  return lines.map((line, at) => (at === 0 ? front : " ".repeat(indent)) + line);
}

/** For a terminal that does not report its size. */
export const USUAL_SIZE = { columns: 80, rows: 24 };

interface Sized {
  columns?: number;
  rows?: number;
}

/** Prompts would break every letter on a line of its own in a terminal without a size. */
export function sized<Stream extends Sized>(stream: Stream): Stream {
  if (stream.columns === 0) stream.columns = USUAL_SIZE.columns;
  if (stream.rows === 0) stream.rows = USUAL_SIZE.rows;
  return stream;
}

/** A pipe takes lines of any length. */
export function talkWidth(): number {
  return process.stderr.isTTY === true
    ? process.stderr.columns || USUAL_SIZE.columns
    : Number.POSITIVE_INFINITY;
}
