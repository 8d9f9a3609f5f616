import { expect, test } from "bun:test";
import fc from "fast-check";
import { ChunkedBody } from "../../../src/core/http/chunked-body.ts";
import { MalformedReply } from "../../../src/core/http/malformed-reply.ts";
import { cutAnywhere } from "../../fuzz/any-stream.ts";

const bytesOf = (text: string): Uint8Array => Buffer.from(text, "latin1");

/** What comes out of these pieces, and what is left behind the end. */
function read(pieces: readonly Uint8Array[]): { text: string; isOver: boolean; left: string } {
  const body = new ChunkedBody();
  let text = "";
  let left = "";
  for (const piece of pieces) {
    const own = new Uint8Array(piece);
    const { from, to, stop } = body.push(own, 0);
    text += Buffer.from(own.subarray(from, to)).toString("latin1");
    left += Buffer.from(piece.subarray(stop)).toString("latin1");
  }
  return { text, isOver: body.isOver, left };
}

test("the data of all chunks is one piece, in the place of the first", () => {
  const bytes = bytesOf("5\r\nhello\r\n6;name=value\r\n world\r\n0\r\n\r\n");
  const { from, to } = new ChunkedBody().push(bytes, 0);
  expect([from, Buffer.from(bytes.subarray(from, to)).toString()]).toEqual([3, "hello world"]);
});

test("what follows the end is left alone, and trailers are nobody's", () => {
  const text = "A\r\n0123456789\r\n0\r\nx-trailer: 1\r\nx-other: 2\r\n\r\nHTTP/1.1 200 OK";
  expect(read([bytesOf(text)])).toEqual({ text: "0123456789", isOver: true, left: "HTTP/1.1 200 OK" });
});

test("an end that has not come is none", () => {
  expect(read([bytesOf("3\r\nabc\r\n0\r\n")])).toEqual({ text: "abc", isOver: false, left: "" });
});

test("however it is cut, the same comes out", () => {
  const anyChunks = fc.array(fc.string({ minLength: 1, maxLength: 40 }), { maxLength: 6 });
  fc.assert(
    fc.property(anyChunks, fc.array(fc.nat(), { maxLength: 12 }), (words, cuts) => {
      const chunks = words.map((word) => Buffer.from(word));
      const wire = Buffer.concat([
        ...chunks.flatMap((chunk) => [bytesOf(`${chunk.length.toString(16)}\r\n`), chunk, bytesOf("\r\n")]),
        bytesOf("0\r\n\r\n"),
      ]);
      const { text, isOver, left } = read(cutAnywhere(wire, cuts));
      expect([text, isOver, left]).toEqual([Buffer.concat(chunks).toString("latin1"), true, ""]);
    }),
  );
});

test.each([
  ["no size", "\r\nabc\r\n"],
  ["a size that is none", "xyz\r\nabc"],
  ["a size below zero", "-1\r\nabc"],
  ["a size of more than four gigabytes", "100000000\r\n"],
  ["more data than was said", "3\r\nabcd\r\n"],
  ["an extension without an end", `3;${"x".repeat(20_000)}`],
  ["trailers without an end", `0\r\n${"x-a: b\r\n".repeat(3_000)}`],
])("%s is no chunk", (_name, text) => {
  expect(() => read([bytesOf(text)])).toThrow(MalformedReply);
});
