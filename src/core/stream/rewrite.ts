import { parseJsonBytes } from "../json.ts";
import { hasBytes, indexOfBytes } from "./bytes.ts";

/** The position of a value in the bytes of a JSON body. */
export interface Span {
  start: number;
  end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

const encoder = new TextEncoder();

/**
 * Finds a top-level field without parsing the body: bodies of agents reach megabytes. Of duplicate fields the last one
 * counts, as for every JSON parser.
 */
export function findField(body: Uint8Array, name: string): Span | undefined {
  const open = skipSpace(body, 0);
  if (body[open] !== OPEN_BRACE) return undefined;
  let at = skipSpace(body, open + 1);
  const only = onlyCandidate(body, at, name);
  if (only !== undefined) return only;
  let found: Span | undefined;
  while (body[at] === QUOTE) {
    const member = memberAt(body, at);
    if (member === undefined) return undefined;
    if (keyEquals(body, at, member.keyEnd, name)) found = { start: member.start, end: member.end };
    at = skipSpace(body, member.end);
    if (body[at] !== COMMA) break;
    at = skipSpace(body, at + 1);
  }
  return body[at] === CLOSE_BRACE ? found : undefined;
}

/** Only control characters have to be escaped, so escaped letters are rare. */
const ESCAPED_LETTER = encoder.encode("\\u00");

/**
 * Returns the first field if no other can be the one: within a text the quotes of the name would be escaped. Most
 * bodies begin with their model and need no further reading.
 */
function onlyCandidate(body: Uint8Array, at: number, name: string): Span | undefined {
  const first = memberAt(body, at);
  if (first === undefined || body[first.start] !== QUOTE || !keyEquals(body, at, first.keyEnd, name))
    return undefined;
  let last = body.length - 1;
  while (isSpace(body[last])) last--;
  if (body[last] !== CLOSE_BRACE) return undefined;
  if (indexOfBytes(body, quoted(name), first.end) >= 0 || hasBytes(body, ESCAPED_LETTER)) return undefined;
  return { start: first.start, end: first.end };
}

const quotedNames = new Map<string, Uint8Array>();

function quoted(name: string): Uint8Array {
  const bytes = quotedNames.get(name) ?? encoder.encode(`"${name}"`);
  quotedNames.set(name, bytes);
  return bytes;
}

function memberAt(body: Uint8Array, at: number): (Span & { keyEnd: number }) | undefined {
  const keyEnd = stringEnd(body, at);
  if (keyEnd === undefined) return undefined;
  const colon = skipSpace(body, keyEnd);
  if (body[colon] !== COLON) return undefined;
  const start = skipSpace(body, colon + 1);
  const end = valueEnd(body, start);
  return end === undefined ? undefined : { keyEnd, start, end };
}

/** Undefined if the field is absent or the body is not a JSON object. */
export function readField(body: Uint8Array, name: string): unknown {
  const span = findField(body, name);
  return span === undefined ? undefined : parseJsonBytes(body.subarray(span.start, span.end));
}

/** The elements of the array at a span, one by one, for as long as they are asked for. */
export function* elementsOf(body: Uint8Array, { start, end }: Span): Generator<Uint8Array> {
  if (body[start] !== OPEN_BRACKET) return;
  let at = skipSpace(body, start + 1);
  while (at < end && body[at] !== CLOSE_BRACKET) {
    const elementEnd = valueEnd(body, at);
    if (elementEnd === undefined) return;
    yield body.subarray(at, elementEnd);
    at = skipSpace(body, elementEnd);
    if (body[at] !== COMMA) return;
    at = skipSpace(body, at + 1);
  }
}

/** The body with one span replaced by a JSON value; every other byte stays as it is. */
export function spliceValue(body: Uint8Array, span: Span, value: unknown): Uint8Array<ArrayBuffer> {
  return spliceBytes(body, span, encoder.encode(JSON.stringify(value)));
}

/** The same for a body that is no JSON. */
export function spliceBytes(body: Uint8Array, span: Span, middle: Uint8Array): Uint8Array<ArrayBuffer> {
  const spliced = new Uint8Array(span.start + middle.length + (body.length - span.end));
  spliced.set(body.subarray(0, span.start));
  spliced.set(middle, span.start);
  spliced.set(body.subarray(span.end), span.start + middle.length);
  return spliced;
}

function skipSpace(body: Uint8Array, from: number): number {
  let at = from;
  while (at < body.length && isSpace(body[at])) at++;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** The index after a string's closing quote; native search skips the long texts of a conversation. */
function stringEnd(body: Uint8Array, open: number): number | undefined {
  let at = open;
  for (;;) {
    at = body.indexOf(QUOTE, at + 1);
    if (at < 0) return undefined;
    let slashes = 0;
    while (body[at - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
}

function valueEnd(body: Uint8Array, start: number): number | undefined {
  const first = body[start];
  if (first === QUOTE) return stringEnd(body, start);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return nestedEnd(body, start);
  let at = start;
  while (at < body.length && !endsScalar(body[at])) at++;
  return at === start ? undefined : at;
}

function endsScalar(byte: number | undefined): boolean {
  return byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || isSpace(byte);
}

function nestedEnd(body: Uint8Array, start: number): number | undefined {
  let depth = 0;
  let at = start;
  while (at < body.length) {
    const byte = body[at];
    if (byte === QUOTE) {
      const end = stringEnd(body, at);
      if (end === undefined) return undefined;
      at = end;
      continue;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--;
      if (depth === 0) return at + 1;
    }
    at++;
  }
  return undefined;
}

/** Byte by byte: keys are short, and a subarray costs more than the comparison. */
function keyEquals(body: Uint8Array, open: number, end: number, name: string): boolean {
  let isSame = end - open - 2 === name.length;
  for (let at = open + 1; at < end - 1; at++) {
    // The upstream accepts an escaped key ("\u006dodel"), so we must recognise it.
    if (body[at] === BACKSLASH) return parseJsonBytes(body.subarray(open, end)) === name;
    isSame &&= body[at] === name.charCodeAt(at - open - 1);
  }
  return isSame;
}
