import { createParser, type EventSourceMessage } from "eventsource-parser";

/** One block of an event stream: its bytes as they came, and the event in them, if it is one. */
export interface SseBlock {
  bytes: Uint8Array;
  /** Undefined for comments and keep-alives. */
  event: { name: string | undefined; data: string } | undefined;
}

export interface SseReader {
  /** Takes bytes in any split and returns the blocks that are complete. */
  push: (chunk: Uint8Array) => SseBlock[];
  /** What has come of a block that is not complete. */
  rest: () => Uint8Array;
  /** The same step by step: what was left over with the chunk behind it, */
  begin: (chunk: Uint8Array) => Uint8Array;
  /** the block that begins at a place in it, if it is complete, */
  blockAt: (bytes: Uint8Array, at: number) => SseBlock | undefined;
  /** and what is left over from a place on. */
  keep: (bytes: Uint8Array, from: number) => void;
}

const encoder = new TextEncoder();

/** The data of the event that ends a chat's stream, and the whole event. */
export const DONE = "[DONE]";
export const DONE_EVENT = `data: ${DONE}\n\n`;

/** The longest single event that is waited for. A stream without a blank line in so much is not an event stream. */
export const EVENT_BYTES = 16 * 1024 * 1024;

/** Completes a last event that lacks its blank line. */
export const BLANK_LINE: Uint8Array = encoder.encode("\n\n");

/** Whether a body begins like an event stream, whatever its content type says. */
export function looksLikeEvents(text: string): boolean {
  return /^\s*(?:data|event|id|retry)?:/.test(text);
}

/** An event as it goes over the wire; those of Responses carry their type as their name, too. */
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

/** Cuts a stream into blocks at blank lines without changing a byte of it. */
export function createSseReader(): SseReader {
  const decoder = new TextDecoder();
  let last: EventSourceMessage | undefined;
  const parser = createParser({ onEvent: (event) => (last = event) });
  let pending: Uint8Array = EMPTY;
  let seen = 0;
  // JSON has no bare CR, so in nearly every stream lines end in LF alone, and one look at a chunk tells.
  let hasCr = false;

  const eventIn = (bytes: Uint8Array): SseBlock["event"] => {
    const dataAt = hasCr ? undefined : startOfOnlyData(bytes);
    if (dataAt !== undefined)
      return { name: undefined, data: decoder.decode(bytes.subarray(dataAt, bytes.length - 2)) };
    last = undefined;
    const text = decoder.decode(bytes);
    // A CR at its end would have the parser wait for an LF, and the event with it.
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
      // A blank line may straddle the old and the new bytes: three back is where "\r\n\r" could begin.
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

/** Where the data begins in a block of nothing but one line of data, as nearly all are; no CR is in it. */
function startOfOnlyData(bytes: Uint8Array): number | undefined {
  if (DATA.some((byte, at) => bytes[at] !== byte)) return undefined;
  if (bytes.indexOf(LF) !== bytes.length - 2) return undefined;
  return bytes[DATA.length] === SPACE ? DATA.length + 1 : DATA.length;
}

/** The index behind the next blank line, where lines end in LF. */
function blankLineEnd(bytes: Uint8Array, from: number): number | undefined {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2;
  }
  return undefined;
}

/** The same where lines may end in LF, CRLF or CR, as the standard has it. */
function anyBlankLineEnd(bytes: Uint8Array, from: number): number | undefined {
  for (let at = from; at < bytes.length; at++) {
    const behind = lineEndAt(bytes, at);
    if (behind === undefined) continue;
    const end = lineEndAt(bytes, behind);
    if (end !== undefined) return end;
  }
  return undefined;
}

/** The index behind the end of a line that is at this place; none where a CR may yet become a CRLF. */
function lineEndAt(bytes: Uint8Array, at: number): number | undefined {
  if (bytes[at] === LF) return at + 1;
  if (bytes[at] !== CR || at + 1 === bytes.length) return undefined;
  return bytes[at + 1] === LF ? at + 2 : at + 1;
}
