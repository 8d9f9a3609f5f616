/** How a file is laid out, for what is added to look as if its owner had written it. */
export interface JsoncStyle {
  eol: string;
  /** One step of indentation. */
  indent: string;
  /** The whole file, or the part of it that is added to, stands in one line. */
  isOneLine: boolean;
  /** A blank follows each colon. */
  isSpaced: boolean;
}

const DEFAULT_INDENT = "  ";
/** `JSON.stringify` takes no wider one. */
const MAX_INDENT = 10;

/** Reads the layout off a text: its first line end, and its first indented line that is no comment. */
export function jsoncStyle(text: string): JsoncStyle {
  const eol = /\r\n|\n|\r/.exec(text)?.[0];
  // Lines of block comments begin with a blank and a star, which is no indentation of the file.
  const indent = /(?:^|[\r\n])([ \t]+)["}\]]/.exec(text)?.[1] ?? DEFAULT_INDENT;
  return {
    eol: eol ?? "\n",
    indent: indent.slice(0, MAX_INDENT),
    // Of an empty object nobody can tell.
    isOneLine: eol === undefined && text.includes('"'),
    isSpaced: eol !== undefined || !text.includes('"') || /"\s*:\s/.test(text),
  };
}

/** A value as it stands in the file at some depth; its first line is not indented. */
export function formatValue(value: unknown, style: JsoncStyle, base: string): string {
  if (!style.isOneLine)
    return JSON.stringify(value, undefined, style.indent).replaceAll("\n", style.eol + base);
  // Line ends within texts are escaped: these are only between values.
  return style.isSpaced
    ? JSON.stringify(value, undefined, 1).replaceAll(/\n */g, " ")
    : JSON.stringify(value);
}

/** The blanks that the line of an offset begins with. */
export function indentAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, offset), offset))?.[0] ?? "";
}

/** Where the line of an offset begins. */
export function lineStart(text: string, offset: number): number {
  const before = text.slice(0, offset);
  return Math.max(before.lastIndexOf("\n"), before.lastIndexOf("\r")) + 1;
}
