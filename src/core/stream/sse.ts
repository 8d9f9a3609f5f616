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

const LF = 0x0a;
const CR = 0x0d;
const EMPTY = new Uint8Array(0);
const DATA = [0x64, 0x61, 0x74, 0x61, 0x3a];
const SPACE = 0x20;

/** Cuts a stream into blocks at blank lines without changing a byte of it. */
export function createSseReader(): SseReader {
  const decoder = new TextDecoder();
  let last: EventSourceMessage | undefined;
  const parser = createParser({ onEvent: (event) => (last = event) });
  let pending: Uint8Array = EMPTY;
  let seen = 0;

  const eventIn = (bytes: Uint8Array): SseBlock["event"] => {
    const dataAt = startOfOnlyData(bytes);
    if (dataAt !== undefined)
      return { name: undefined, data: decoder.decode(bytes.subarray(dataAt, bytes.length - 2)) };
    last = undefined;
    parser.feed(decoder.decode(bytes));
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
      return seen === 0 ? chunk : Buffer.concat([pending, chunk]);
    },
    blockAt(bytes, at) {
      // A blank line may straddle the old and the new bytes: three back is where "\r\n\r" could begin.
      const end = blankLineEnd(bytes, Math.max(at, seen - 3));
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

/** Where the data begins in a block of nothing but one line of data, as nearly all are. */
function startOfOnlyData(bytes: Uint8Array): number | undefined {
  if (DATA.some((byte, at) => bytes[at] !== byte)) return undefined;
  const lineEnd = bytes.indexOf(LF);
  if (lineEnd !== bytes.length - 2 || bytes[lineEnd - 1] === CR) return undefined;
  return bytes[DATA.length] === SPACE ? DATA.length + 1 : DATA.length;
}

/** The index behind the next blank line. Lines end in LF or CRLF, as every provider has them. */
function blankLineEnd(bytes: Uint8Array, from: number): number | undefined {
  let at = from;
  for (;;) {
    at = bytes.indexOf(LF, at);
    if (at < 0) return undefined;
    if (bytes[at + 1] === LF) return at + 2;
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
    at++;
  }
}
