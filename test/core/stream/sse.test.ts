import { expect, test } from "bun:test";
import fc from "fast-check";
import { createSseReader } from "../../../src/core/stream/sse.ts";
import { anyChunks } from "./streams.ts";

function read(chunks: readonly Uint8Array[]): { data: string[]; text: string } {
  const reader = createSseReader();
  const blocks = chunks.flatMap((chunk) => reader.push(chunk));
  const bytes = [...blocks.map((block) => block.bytes), reader.rest()];
  return {
    data: blocks.flatMap(({ event }) => (event === undefined ? [] : [event.data])),
    text: Buffer.concat(bytes).toString(),
  };
}

test.each([
  ["LF", "data: a\n\ndata: b\n\n"],
  ["CRLF", "data: a\r\n\r\ndata: b\r\n\r\n"],
  // The next character decides whether a CR is the whole line end.
  ["CR", "data: a\r\rdata: b\r\r:"],
  ["LF and CR", "data: a\n\rdata: b\n\r:"],
  ["CRLF and CR", "data: a\r\n\rdata: b\r\n\r:"],
  ["CR and CRLF", "data: a\r\r\ndata: b\r\r\n"],
])("two events are two blocks where lines end in %s, however they are cut", (_name, text) => {
  fc.assert(
    fc.property(anyChunks(text), ({ chunks }) => {
      expect(read(chunks)).toEqual({ data: ["a", "b"], text });
    }),
    { numRuns: 50 },
  );
});

test("a bare CR in a line of data begins another line", () => {
  expect(read([new TextEncoder().encode("data: a\rdata: b\n\n")]).data).toEqual(["a\nb"]);
});
