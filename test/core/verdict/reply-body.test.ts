import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  type BodyForm,
  carriesAnswer,
  carriesError,
  readReplyBody,
} from "../../../src/core/verdict/reply-body.ts";

function values(body: string): unknown[] {
  return readReplyBody(body).frames.map(({ value }) => value);
}

test.each<[body: string, form: BodyForm]>([
  ["", "empty"],
  [" \r\n\t", "empty"],
  ['{"error":"no"}', "json"],
  ['["a"]', "json"],
  ["404 page not found", "text"],
  ["429", "text"],
  ["<!DOCTYPE html><title>502</title>", "html"],
  ["<?xml version='1.0'?><Error/>", "html"],
  ['data: {"a":1}\n\ndata: [DONE]\n\n', "sse"],
  ["event: error\ndata: {}\n\n", "sse"],
  ['{"a":1}\n{"b":2}', "ndjson"],
  ['{"error":{"message":"cut he', "text"],
])("%j is recognised as %s", (body, form) => {
  expect(readReplyBody(body).form).toBe(form);
});

test("of a page only the headings count, each once", () => {
  const page =
    "<html><title>Bad Gateway</title><h1>Bad Gateway</h1><h2>cloudflare</h2><p>rate limit</p></html>";
  expect(values(page)).toEqual(["Bad Gateway | cloudflare"]);
});

test("truncated JSON still has its messages", () => {
  expect(values('{"error":{"message":"too \\"many\\" requests","type":"rate_li')).toEqual([
    'too "many" requests',
  ]);
});

test("the end mark of a stream is not a frame, and events keep their names", () => {
  expect(readReplyBody('event: error\ndata: {"a":1}\n\ndata: [DONE]\n\n').frames).toEqual([
    { event: "error", value: { a: 1 } },
  ]);
});

test.each<[message: string, opened: unknown]>([
  ['{"error":{"code":429}}', { error: { code: 429 } }],
  ['upstream said: {"error":"no"} (try later)', ["upstream said:", "(try later)", { error: "no" }]],
  ["[502] bad gateway", "[502] bad gateway"],
  ['{"message":"{\\"message\\":\\"deep\\"}"}', { message: { message: "deep" } }],
])("JSON in a message is opened: %s", (message, opened) => {
  expect(values(JSON.stringify({ error: { message } }))).toEqual([{ error: { message: opened } }]);
});

test("JSON in other fields is content and stays text", () => {
  expect(values(JSON.stringify({ content: '{"error":"quoted"}' }))).toEqual([
    { content: '{"error":"quoted"}' },
  ]);
});

test("a body never throws, whatever it contains, and a frame is not both an answer and nothing", () => {
  const pieces = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    '"',
    "message",
    ":",
    ",",
    "data: ",
    "\n",
    "<html>",
    "\\",
    "1",
  );
  const anyBody = fc.oneof(
    fc.string(),
    fc.json(),
    fc.array(pieces).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(anyBody, (body) => {
      for (const frame of readReplyBody(body).frames) {
        expect(typeof carriesError(frame)).toBe("boolean");
        expect(typeof carriesAnswer(frame)).toBe("boolean");
      }
    }),
  );
});
