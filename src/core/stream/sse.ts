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
}

const LF = 0x0a;
const CR = 0x0d;
const EMPTY = new Uint8Array(0);

/** Cuts a stream into blocks at blank lines without changing a byte of it. */
export function createSseReader(): SseReader {
  const decoder = new TextDecoder();
  let last: EventSourceMessage | undefined;
  const parser = createParser({ onEvent: (event) => (last = event) });
  let pending: Uint8Array = EMPTY;

  const toBlock = (bytes: Uint8Array): SseBlock => {
    last = undefined;
    parser.feed(decoder.decode(bytes));
    const event = last as EventSourceMessage | undefined;
    return { bytes, event: event === undefined ? undefined : { name: event.event, data: event.data } };
  };

  return {
    push(chunk) {
      const seen = pending.length;
      const bytes = seen === 0 ? chunk : Buffer.concat([pending, chunk]);
      const blocks: SseBlock[] = [];
      let start = 0;
      // A blank line may straddle the old and the new bytes: three back is where "\r\n\r" could begin.
      let at = Math.max(0, seen - 3);
      for (;;) {
        const end = blankLineEnd(bytes, at);
        if (end === undefined) break;
        blocks.push(toBlock(bytes.subarray(start, end)));
        start = end;
        at = end;
      }
      pending = start === bytes.length ? EMPTY : bytes.subarray(start);
      return blocks;
    },
    rest: () => pending,
  };
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
