import {
  type Edit,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";

/** The text between two values: blanks, comments and at most one comma. */
export interface JsoncGap {
  comma: number | undefined;
  /** The end of what belongs to the value before: the comma and the comments on its line. */
  ownEnd: number;
  /** The end of the last comment, or the start of the gap. */
  commentEnd: number;
}

const PIECE = /[ \t]+|\s+|,|\/\/[^\r\n]*|\/\*[\s\S]*?\*\//y;

/** The text must be well-formed. */
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
    // A comma on a later line still closes the value before.
    if (!isBlank && (isSameLine || piece === ",")) gap.ownEnd = end;
    if (/[\r\n]/.test(piece)) isSameLine = false;
  }
  return gap;
}

export interface Property {
  key: string;
  value: Node;
  offset: number;
  end: number;
}

export function propertiesOf(object: Node | undefined): Property[] {
  if (object?.type !== "object") return [];
  return (object.children ?? []).flatMap((property) => {
    const [key, value] = property.children ?? [];
    if (key === undefined || value === undefined) return [];
    return [
      { key: String(key.value), value, offset: property.offset, end: property.offset + property.length },
    ];
  });
}

/** If a name occurs twice, the last one counts, as for every JSON reader. */
export function valueIn(object: Node | undefined, key: string): Node | undefined {
  return propertiesOf(object).findLast((property) => property.key === key)?.value;
}

/** Follows a path of names. */
export function valueAt(root: Node | undefined, path: readonly string[]): Node | undefined {
  return path.reduce(valueIn, root);
}

/** Undefined unless it is a text. */
export function textOf(node: Node | undefined): string | undefined {
  const value: unknown = node?.type === "string" ? getNodeValue(node) : undefined;
  return typeof value === "string" ? value : undefined;
}

/** The file's formatting, so that additions match it. */
export interface JsoncStyle {
  eol: string;
  indent: string;
  /** The whole file, or the edited part of it, is on one line. */
  isOneLine: boolean;
  /** A blank follows each colon. */
  isSpaced: boolean;
}

const DEFAULT_INDENT = "  ";
/** The largest that `JSON.stringify` accepts. */
const MAX_INDENT = 10;

/** Detects the first line end and the first indented line that is not a comment. */
export function jsoncStyle(text: string): JsoncStyle {
  const eol = /\r\n|\n|\r/.exec(text)?.[0];
  // Lines of block comments begin with a blank and a star, which is not indentation.
  const indent = /(?:^|[\r\n])([ \t]+)["}\]]/.exec(text)?.[1] ?? DEFAULT_INDENT;
  return {
    eol: eol ?? "\n",
    indent: indent.slice(0, MAX_INDENT),
    // An empty object has no detectable style.
    isOneLine: eol === undefined && text.includes('"'),
    isSpaced: eol !== undefined || !text.includes('"') || /"\s*:\s/.test(text),
  };
}

/** The first line is not indented. */
export function formatValue(value: unknown, style: JsoncStyle, base: string): string {
  if (!style.isOneLine)
    return JSON.stringify(value, undefined, style.indent).replaceAll("\n", style.eol + base);
  // Line ends within texts are escaped, so these are only between values.
  return style.isSpaced
    ? JSON.stringify(value, undefined, 1).replaceAll(/\n */g, " ")
    : JSON.stringify(value);
}

export function indentAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, offset), offset))?.[0] ?? "";
}

export function lineStart(text: string, offset: number): number {
  const before = text.slice(0, offset);
  return Math.max(before.lastIndexOf("\n"), before.lastIndexOf("\r")) + 1;
}

/** Line and column count from 1, as in editors. */
export interface JsoncFault {
  line: number;
  column: number;
  what: string;
}

export type ParsedJsonc = { kind: "parsed"; root: Node | undefined } | { kind: "faulty"; fault: JsoncFault };

/** What opencode's own parser tolerates. */
const TOLERATED = { allowTrailingComma: true, allowEmptyContent: true };

/** The parser's error names are not meant for users. */
const WORDS: Readonly<Record<string, string>> = {
  InvalidSymbol: "this is no JSON value",
  InvalidNumberFormat: "this is no number",
  PropertyNameExpected: "a name in double quotes is missing here",
  ValueExpected: "a value is missing here",
  ColonExpected: "a colon is missing here",
  CommaExpected: "a comma is missing here",
  CloseBraceExpected: "a } is missing here",
  CloseBracketExpected: "a ] is missing here",
  EndOfFileExpected: "nothing may follow the closing bracket",
  InvalidCommentToken: "this is no comment",
  UnexpectedEndOfComment: "this comment is never closed",
  UnexpectedEndOfString: "this text is never closed",
  UnexpectedEndOfNumber: "this number is cut short",
  InvalidUnicode: "this is no \\u escape",
  InvalidEscapeCharacter: "invalid escape sequence",
  InvalidCharacter: "a text must not hold this character as it is",
};

/** As tolerant as opencode, and no more. */
export function parseJsonc(text: string): ParsedJsonc {
  const errors: ParseError[] = [];
  let root: Node | undefined;
  try {
    root = parseTree(text, errors, TOLERATED);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The parser recurses for every level.
    return { kind: "faulty", fault: { line: 1, column: 1, what: "its brackets are nested too deeply" } };
  }
  const [first] = errors;
  if (first === undefined) return { kind: "parsed", root };
  const what = WORDS[printParseErrorCode(first.error)] ?? "this is not JSON";
  return { kind: "faulty", fault: faultAt(text, first.offset, what) };
}

export function faultAt(text: string, offset: number, what: string): JsoncFault {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: lines.length, column: (lines.at(-1) ?? "").length + 1, what };
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Replaces a value. Objects are merged: what only the text has stays, with its comments, and equal values are not
 * touched.
 */
export function setEdits(text: string, node: Node, value: unknown, style: JsoncStyle): Edit[] {
  if (!isFields(value) || node.type !== "object") {
    if (JSON.stringify(getNodeValue(node)) === JSON.stringify(value)) return [];
    return [
      {
        offset: node.offset,
        length: node.length,
        content: formatValue(value, style, indentAt(text, node.offset)),
      },
    ];
  }
  const missing: [string, unknown][] = [];
  const edits: Edit[] = [];
  for (const [key, inner] of Object.entries(value)) {
    const old = valueIn(node, key);
    if (old === undefined) missing.push([key, inner]);
    else edits.push(...setEdits(text, old, inner, style));
  }
  return missing.length === 0 ? edits : [...edits, ...insertEdits(text, node, missing, style)];
}

/**
 * Adds properties at the end of an object. jsonc-parser's own `modify` would put them between the last value and its
 * comment, so that the comment would seem to describe the new property.
 */
function insertEdits(
  text: string,
  object: Node,
  fields: readonly [string, unknown][],
  style: JsoncStyle,
): Edit[] {
  const last = propertiesOf(object).at(-1);
  if (last === undefined) return fillEdits(text, object, fields, style);
  const close = object.offset + object.length - 1;
  const { comma, ownEnd } = jsoncGap(text, last.end, close);
  const base = indentAt(text, last.offset);
  // If the existing properties share a line, so must the new one, without line breaks inside.
  const isInline = !/[\r\n]/.test(text.slice(object.offset, last.offset));
  const own = isInline ? { ...style, isOneLine: true } : style;
  const lead = isInline ? (style.isSpaced ? " " : "") : style.eol + base;
  const added = fields.map((field) => lead + propertyText(field, own, base)).join(",");
  // A line comment would swallow what follows it.
  const brake = isInline && /\/\/[^\r\n]*$/.test(text.slice(last.end, ownEnd)) ? style.eol + base : "";
  return [
    ...(comma === undefined ? [{ offset: last.end, length: 0, content: "," }] : []),
    { offset: ownEnd, length: 0, content: brake + added + (comma === undefined ? "" : ",") },
  ];
}

/** For an object without properties; comments inside it stay before the new ones. */
function fillEdits(
  text: string,
  object: Node,
  fields: readonly [string, unknown][],
  style: JsoncStyle,
): Edit[] {
  const open = object.offset + 1;
  const close = object.offset + object.length - 1;
  const { commentEnd } = jsoncGap(text, open, close);
  const outer = indentAt(text, object.offset);
  const base = outer + style.indent;
  const [lead, tail] = style.isOneLine ? ["", ""] : [style.eol + base, style.eol + outer];
  const added = fields.map((field) => lead + propertyText(field, style, base)).join(",");
  return [{ offset: commentEnd, length: close - commentEnd, content: added + tail }];
}

function propertyText([key, value]: [string, unknown], style: JsoncStyle, base: string): string {
  const colon = style.isSpaced ? ": " : ":";
  return JSON.stringify(key) + colon + formatValue(value, style, base);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Removes properties with their commas. Comments around them stay. */
export function removeEdits(text: string, object: Node, isWanted: (key: string) => boolean): Edit[] {
  const properties = propertiesOf(object);
  if (properties.every(({ key }) => isWanted(key))) return [];
  const close = object.offset + object.length - 1;
  const commas = properties.map(
    ({ end }, at) => jsoncGap(text, end, properties[at + 1]?.offset ?? close).comma,
  );
  const edits = properties.flatMap((property, at) =>
    isWanted(property.key) ? [] : cut(text, property, commas[at]),
  );
  const lastKept = properties.findLastIndex(({ key }) => isWanted(key));
  const comma = commas[lastKept];
  // If the list had no trailing comma, it must not have one now.
  const mustDropComma = lastKept < properties.length - 1 && commas.at(-1) === undefined;
  return comma === undefined || !mustDropComma
    ? edits
    : [...edits, { offset: comma, length: 1, content: "" }];
}

function cut(text: string, { offset, end }: Property, comma: number | undefined): Edit[] {
  // Keep a comment that is before the comma.
  const isPlain = comma === undefined || text.slice(end, comma).trim() === "";
  const until = comma !== undefined && isPlain ? comma + 1 : end;
  const whole = widen(text, offset, until);
  return isPlain ? [whole] : [whole, { offset: comma, length: 1, content: "" }];
}

/** Takes the whole line if nothing else is on it; otherwise the blanks before, or after at the start of a line. */
function widen(text: string, offset: number, end: number): Edit {
  const first = lineStart(text, offset);
  const ahead = text.slice(first, offset);
  const [blanks = "", lineEnd] = /^[ \t]*(\r\n|\r|\n)?/.exec(text.slice(end)) ?? [];
  if (ahead.trim() !== "") {
    const from = first + ahead.trimEnd().length;
    return { offset: from, length: end - from, content: "" };
  }
  const from = lineEnd === undefined ? offset : first;
  return { offset: from, length: end + blanks.length - from, content: "" };
}
