/** What stands between two values: blanks, comments and at most one comma. */
export interface JsoncGap {
  /** Where the comma is; undefined where there is none. */
  comma: number | undefined;
  /** The end of what still belongs to the value before: the comma and the comments on its line. */
  ownEnd: number;
  /** The end of the last comment; the beginning of the gap where it has none. */
  commentEnd: number;
}

const PIECE = /[ \t]+|\s+|,|\/\/[^\r\n]*|\/\*[\s\S]*?\*\//y;

/** Reads the gap of a well-formed text from one offset to another. */
export function jsoncGap(text: string, from: number, to: number): JsoncGap {
  const gap: JsoncGap = { comma: undefined, ownEnd: from, commentEnd: from };
  let isSameLine = true;
  PIECE.lastIndex = from;
  while (PIECE.lastIndex < to) {
    const at = PIECE.lastIndex;
    const piece = PIECE.exec(text)?.[0];
    if (piece === undefined) break;
    const end = at + piece.length;
    if (piece === ",") gap.comma = at;
    if (piece.startsWith("/")) gap.commentEnd = end;
    const isBlank = piece.trim() === "";
    // A comma that stands on a later line still closes the value before.
    if (!isBlank && (isSameLine || piece === ",")) gap.ownEnd = end;
    if (/[\r\n]/.test(piece)) isSameLine = false;
  }
  return gap;
}
