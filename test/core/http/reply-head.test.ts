import { expect, test } from "bun:test";
import { MalformedReply } from "../../../src/core/http/malformed-reply.ts";
import { type Framing, parseReplyHead } from "../../../src/core/http/reply-head.ts";

const head = (lines: string[], method = "POST") => parseReplyHead(lines.join("\r\n"), method);

test("names are small, values are trimmed, and fields of one name are one", () => {
  const { status, fields } = head([
    "HTTP/1.1 429 Too Many Requests",
    "Content-Type:  text/plain ",
    "Retry-After : 7",
    "X-Many: a",
    "x-many: b",
    "X-Empty:",
    "X-Colon: a:b",
  ]);
  expect(status).toBe(429);
  expect({ ...fields }).toEqual({
    "content-type": "text/plain",
    "retry-after": "7",
    "x-many": "a, b",
    "x-empty": "",
    "x-colon": "a:b",
  });
});

test("a field that is named like an object's own is a field, and none where it is not sent", () => {
  expect(head(["HTTP/1.1 200 OK"]).fields["constructor"]).toBeUndefined();
  const { fields } = head(["HTTP/1.1 200 OK", "constructor: a", "__proto__: b"]);
  expect(Object.entries(fields)).toEqual([
    ["constructor", "a"],
    ["__proto__", "b"],
  ]);
});

test("lines may end without a carriage return, and the status needs no words", () => {
  const { status, framing } = parseReplyHead("HTTP/1.1 200\ncontent-length: 3", "POST");
  expect([status, framing]).toEqual([200, { kind: "length", bytes: 3 }]);
});

test.each<[name: string, lines: string[], method: string, framing: Framing, staysOpen: boolean]>([
  ["a length", ["HTTP/1.1 200 OK", "content-length: 12"], "POST", { kind: "length", bytes: 12 }, true],
  ["the same twice", ["HTTP/1.1 200 OK", "content-length: 5, 5"], "POST", { kind: "length", bytes: 5 }, true],
  ["chunks", ["HTTP/1.1 200 OK", "Transfer-Encoding: Chunked"], "POST", { kind: "chunked" }, true],
  [
    "chunks and a length: the chunks, and no second reply",
    ["HTTP/1.1 200 OK", "transfer-encoding: chunked", "content-length: 3"],
    "POST",
    { kind: "chunked" },
    false,
  ],
  ["neither", ["HTTP/1.1 200 OK"], "POST", { kind: "until-close" }, false],
  [
    "the wish to close",
    ["HTTP/1.1 200 OK", "content-length: 1", "connection: Close"],
    "POST",
    { kind: "length", bytes: 1 },
    false,
  ],
  ["an old server", ["HTTP/1.0 200 OK", "content-length: 1"], "POST", { kind: "length", bytes: 1 }, false],
  [
    "an old server that stays",
    ["HTTP/1.0 200 OK", "content-length: 1", "connection: keep-alive"],
    "POST",
    { kind: "length", bytes: 1 },
    true,
  ],
  ["no content", ["HTTP/1.1 204 No Content"], "POST", { kind: "length", bytes: 0 }, true],
  ["asked with HEAD", ["HTTP/1.1 200 OK", "content-length: 99"], "HEAD", { kind: "length", bytes: 0 }, true],
])("the end of a body is told by: %s", (_name, lines, method, framing, staysOpen) => {
  const read = head(lines, method);
  expect([read.framing, read.staysOpen]).toEqual([framing, staysOpen]);
});

test.each([
  ["another protocol", ["SSH-2.0-OpenSSH_9"]],
  ["a version that is none", ["HTTP/2 200 OK"]],
  ["a status that is none", ["HTTP/1.1 20 OK"]],
  ["nothing", [""]],
  ["a line without a name", ["HTTP/1.1 200 OK", ": a"]],
  ["a line without a colon", ["HTTP/1.1 200 OK", "content-length"]],
  ["a folded line", ["HTTP/1.1 200 OK", "x-a: b", " c: d"]],
  ["a name with a space", ["HTTP/1.1 200 OK", "content length: 3"]],
  ["a value with a zero", ["HTTP/1.1 200 OK", "x-a: b\0c"]],
  ["a value with a bare carriage return", ["HTTP/1.1 200 OK", "x-a: b\rx-b: c"]],
  ["two lengths", ["HTTP/1.1 200 OK", "content-length: 3", "content-length: 4"]],
  ["a length below zero", ["HTTP/1.1 200 OK", "content-length: -1"]],
  ["a length in other words", ["HTTP/1.1 200 OK", "content-length: 0x10"]],
  ["a length without an end", ["HTTP/1.1 200 OK", `content-length: ${"9".repeat(16)}`]],
  ["no length", ["HTTP/1.1 200 OK", "content-length: "]],
  ["an unknown encoding", ["HTTP/1.1 200 OK", "transfer-encoding: gzip, chunked"]],
])("%s is no head", (_name, lines) => {
  expect(() => head(lines)).toThrow(MalformedReply);
});
