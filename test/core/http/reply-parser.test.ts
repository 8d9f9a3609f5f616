import { expect, test } from "bun:test";
import fc from "fast-check";
import { MalformedReply } from "../../../src/core/http/malformed-reply.ts";
import { ReplyParser } from "../../../src/core/http/reply-parser.ts";
import { cutAnywhere } from "../../fuzz/any-stream.ts";

function parse(pieces: readonly Uint8Array[], method = "POST") {
  const parser = new ReplyParser(method);
  let body = "";
  for (const piece of pieces)
    body += Buffer.from(parser.push(new Uint8Array(piece)) ?? []).toString("latin1");
  return { parser, body, status: parser.head?.status };
}

const whole = (text: string, method?: string) => parse([Buffer.from(text, "latin1")], method);

const REPLIES = {
  length: "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
  chunks: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
  interim:
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
  bare: "HTTP/1.1 200 OK\ncontent-length: 5\n\nhello",
};

test.each(Object.entries(REPLIES))("a reply (%s) is the same however it is cut", (_name, text) => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 20 }), (cuts) => {
      const { parser, body, status } = parse(cutAnywhere(Buffer.from(text, "latin1"), cuts));
      expect([status, body, parser.isOver, parser.leavesOpen]).toEqual([200, "hello", true, true]);
    }),
  );
});

test("what comes behind the end leaves the connection in no known state", () => {
  const { parser, body } = whole(`${REPLIES.length}HTTP/1.1 200 OK\r\n\r\n`);
  expect([body, parser.isOver, parser.leavesOpen]).toEqual(["hello", true, false]);
  const chunked = whole(`${REPLIES.chunks}x`);
  expect([chunked.body, chunked.parser.leavesOpen]).toEqual(["hello", false]);
});

test("without a length the connection's end is the reply's, and with one it is not", () => {
  const open = whole("HTTP/1.1 200 OK\r\n\r\nhel");
  expect([open.parser.isOver, open.parser.end(), open.parser.leavesOpen]).toEqual([false, true, false]);
  expect(whole("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel").parser.end()).toBe(false);
  expect(whole("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel").parser.end()).toBe(false);
  expect(whole("HTTP/1.1 200 OK\r\ncontent-len").parser.end()).toBe(false);
});

test("whoever asked with HEAD, or is told that nothing has changed, gets no body", () => {
  for (const reply of [
    whole("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "HEAD"),
    whole("HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"),
  ])
    expect([reply.parser.isOver, reply.parser.leavesOpen]).toEqual([true, true]);
});

test.each([
  ["a head without an end", `HTTP/1.1 200 OK\r\nx-a: ${"b".repeat(70_000)}`],
  ["interim heads without an end", "HTTP/1.1 102 Processing\r\n\r\n".repeat(3_000)],
  ["another protocol that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
  ["no HTTP", "220 mail.example.org ESMTP\r\n\r\n"],
])("%s is refused", (_name, text) => {
  expect(() => whole(text)).toThrow(MalformedReply);
});
