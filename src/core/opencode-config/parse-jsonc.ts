import { type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";

/** A place in a text, as editors count. */
export interface JsoncFault {
  line: number;
  column: number;
  what: string;
}

/** A text that was taken apart. `root` is undefined where it holds nothing but blanks and comments. */
export type ParsedJsonc = { kind: "parsed"; root: Node | undefined } | { kind: "faulty"; fault: JsoncFault };

/** What opencode's own reader takes. */
const TOLERATED = { allowTrailingComma: true, allowEmptyContent: true };

/** The parser's words for its errors are names for programs. */
const WORDS: Readonly<Record<string, string>> = {
  InvalidSymbol: "this is no JSON value",
  InvalidNumberFormat: "this is no number",
  PropertyNameExpected: "a name in double quotes belongs here",
  ValueExpected: "a value belongs here",
  ColonExpected: "a colon belongs here",
  CommaExpected: "a comma is missing here",
  CloseBraceExpected: "a } is missing here",
  CloseBracketExpected: "a ] is missing here",
  EndOfFileExpected: "nothing may follow the closing bracket",
  InvalidCommentToken: "this is no comment",
  UnexpectedEndOfComment: "this comment is never closed",
  UnexpectedEndOfString: "this text is never closed",
  UnexpectedEndOfNumber: "this number is cut short",
  InvalidUnicode: "this is no \\u escape",
  InvalidEscapeCharacter: "there is no such escape",
  InvalidCharacter: "a text must not hold this character as it is",
};

/** Reads JSON with comments, as tolerant as opencode is and no more. */
export function parseJsonc(text: string): ParsedJsonc {
  const errors: ParseError[] = [];
  let root: Node | undefined;
  try {
    root = parseTree(text, errors, TOLERATED);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The parser calls itself for every level.
    return { kind: "faulty", fault: { line: 1, column: 1, what: "its brackets are nested too deeply" } };
  }
  const [first] = errors;
  if (first === undefined) return { kind: "parsed", root };
  const what = WORDS[printParseErrorCode(first.error)] ?? "this is not JSON";
  return { kind: "faulty", fault: faultAt(text, first.offset, what) };
}

/** A fault with the line and column of an offset. */
export function faultAt(text: string, offset: number, what: string): JsoncFault {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: lines.length, column: (lines.at(-1) ?? "").length + 1, what };
}
