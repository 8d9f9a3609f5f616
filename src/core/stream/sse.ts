import { createParser, type EventSourceMessage } from "eventsource-parser";

/** One block of an event stream: its bytes, and its event if it has one. */
export interface SseBlock {
  bytes: Uint8Array;
  /** Undefined for comments and keep-alives. */
  event: { name: string | undefined; data: string } | undefined;
}

export interface SseReader {
  /** Accepts bytes in any split and returns the complete blocks. */
  push: (chunk: Uint8Array) => SseBlock[];
  /** The bytes of an incomplete block. */
  rest: () => Uint8Array;
  /** The same in steps: joins the remaining bytes with the next chunk, */
  begin: (chunk: Uint8Array) => Uint8Array;
  /** returns the complete block at a position, if there is one, */
  blockAt: (bytes: Uint8Array, at: number) => SseBlock | undefined;
  /** and keeps the remaining bytes from a position on. */
  keep: (bytes: Uint8Array, from: number) => void;
}

const encoder = new TextEncoder();

export const DONE = "[DONE]";
export const DONE_EVENT = `data: ${DONE}\n\n`;

/** The longest single event. A stream without a blank line in this much is not an event stream. */
export const EVENT_BYTES = 16 * 1024 * 1024;

/** Completes a last event without its blank line. */
export const BLANK_LINE: Uint8Array = encoder.encode("\n\n");

/** Some providers send a wrong content type. */
export function looksLikeEvents(text: string): boolean {
  return /^\s*(?:data|event|id|retry)?:/.test(text);
}

/** Events of Responses also have their type as their name. */
export function sseText(event: { [key: string]: unknown }): string {
  const { type } = event;
  const name = typeof type === "string" ? `event: ${type}\n` : "";
  return `${name}data: ${JSON.stringify(event)}\n\n`;
}

export function sseBytes(event: { [key: string]: unknown }): Uint8Array {
  return encoder.encode(sseText(event));
}

const LF = 0x0a;
const CR = 0x0d;
const EMPTY = new Uint8Array(0);
const DATA = [0x64, 0x61, 0x74, 0x61, 0x3a];
const SPACE = 0x20;
const LINE_END = /\r\n?/g;

/** Splits a stream at blank lines without changing a byte. */
export function createSseReader(): SseReader {
  const decoder = new TextDecoder();
  let last: EventSourceMessage | undefined;
  const parser = createParser({ onEvent: (event) => (last = event) });
  let pending: Uint8Array = EMPTY;
  let seen = 0;
  // JSON has no bare CR, so in nearly every stream lines end in LF, and one look at a chunk is enough.
  let hasCr = false;

  const eventIn = (bytes: Uint8Array): SseBlock["event"] => {
    const dataAt = hasCr ? undefined : startOfOnlyData(bytes);
    if (dataAt !== undefined)
      return { name: undefined, data: decoder.decode(bytes.subarray(dataAt, bytes.length - 2)) };
    last = undefined;
    const text = decoder.decode(bytes);
    // After a CR at the end the parser would wait for an LF.
    parser.feed(hasCr ? text.replace(LINE_END, "\n") : text);
    const event = last as EventSourceMessage | undefined;
    return event === undefined ? undefined : { name: event.event, data: event.data };
  };

  const reader: SseReader = {
    push(chunk) {
      const bytes = reader.begin(chunk);
      const blocks: SseBlock[] = [];
      let at = 0;
      for (let block = reader.blockAt(bytes, at); block !== undefined; block = reader.blockAt(bytes, at)) {
        blocks.push(block);
        at += block.bytes.length;
      }
      reader.keep(bytes, at);
      return blocks;
    },
    rest: () => pending,
    begin(chunk) {
      seen = pending.length;
      hasCr = (hasCr && seen > 0) || chunk.includes(CR);
      return seen === 0 ? chunk : Buffer.concat([pending, chunk]);
    },
    blockAt(bytes, at) {
      // A blank line may begin in the old bytes: three back is where "\r\n\r" could begin.
      const from = Math.max(at, seen - 3);
      const end = hasCr ? anyBlankLineEnd(bytes, from) : blankLineEnd(bytes, from);
      if (end === undefined) return undefined;
      const block = bytes.subarray(at, end);
      return { bytes: block, event: eventIn(block) };
    },
    keep(bytes, from) {
      pending = from === bytes.length ? EMPTY : bytes.subarray(from);
    },
  };
  return reader;
}

/** Where the data begins in a block of one data line without CR, as most blocks are. */
function startOfOnlyData(bytes: Uint8Array): number | undefined {
  if (DATA.some((byte, at) => bytes[at] !== byte)) return undefined;
  if (bytes.indexOf(LF) !== bytes.length - 2) return undefined;
  return bytes[DATA.length] === SPACE ? DATA.length + 1 : DATA.length;
}

/** The index after the next blank line, if lines end in LF. */
function blankLineEnd(bytes: Uint8Array, from: number): number | undefined {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2;
  }
  return undefined;
}

/** The index after the next blank line, if lines end in LF, CRLF or CR, as the standard allows. */
function anyBlankLineEnd(bytes: Uint8Array, from: number): number | undefined {
  for (let at = from; at < bytes.length; at++) {
    const behind = lineEndAt(bytes, at);
    if (behind === undefined) continue;
    const end = lineEndAt(bytes, behind);
    if (end !== undefined) return end;
  }
  return undefined;
}

/** The index after a line end at this position; undefined if a CR may become a CRLF. */
function lineEndAt(bytes: Uint8Array, at: number): number | undefined {
  if (bytes[at] === LF) return at + 1;
  if (bytes[at] !== CR || at + 1 === bytes.length) return undefined;
  return bytes[at + 1] === LF ? at + 2 : at + 1;
}
