import fc from "fast-check";
import { PLANTED } from "./any-config.ts";

const WORDS = [
  "rate limit exceeded",
  "this model requires a subscription",
  "invalid api key",
  `Incorrect API key provided: ${PLANTED}`,
  "quota exceeded, resets at 2026-11-22T00:00:00Z",
  "try again in 99999999999999 hours",
  "try again in 1e400s",
  "Please wait -5 seconds",
  "maximum context length is 8192 tokens",
  "model not found",
  "overloaded",
  "too many concurrent requests",
  "<html><title>502</title></html>",
  "\u001b[31mred\u001b[0m",
  "ünïcödé 🦊",
  "((((((((((((((((((((",
  "a".repeat(5000),
  " ".repeat(5000),
  "1".repeat(400),
];

const anyText = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...WORDS) }, fc.string({ maxLength: 40 })), {
    maxLength: 4,
  })
  .map((words) => words.join(" "));

const anyBody = fc.oneof(
  anyText,
  anyText.map((message) => JSON.stringify({ error: { message, code: "x" } })),
  anyText.map((message) => JSON.stringify({ error: message })),
  anyText.map((message) => JSON.stringify([{ error: { message, status: "RESOURCE_EXHAUSTED" } }])),
  anyText.map((message) =>
    JSON.stringify({ message: JSON.stringify({ error: JSON.stringify({ error: { message } }) }) }),
  ),
  anyText.map((content) => JSON.stringify({ choices: [{ message: { content }, finish_reason: "stop" }] })),
  anyText.map((message) => `data: ${JSON.stringify({ error: { message } })}\n\n`),
  fc.json(),
);

const HEADER_VALUES = [
  "7",
  "0.5",
  "-1",
  "1e9",
  "99999999999999999999",
  "Wed, 21 Oct 2026 07:28:00 GMT",
  "5m30s",
  "soon",
  "",
];
const HEADER_NAMES = [
  "retry-after",
  "retry-after-ms",
  "x-ratelimit-reset",
  "x-ratelimit-reset-requests",
  "ratelimit-reset",
];

/** Any reply, from well-formed to garbage. */
export const anyReply = fc.record({
  status: fc.constantFrom(
    200,
    200,
    302,
    400,
    401,
    402,
    403,
    404,
    408,
    413,
    418,
    422,
    429,
    499,
    500,
    502,
    503,
    504,
    524,
    529,
    599,
  ),
  body: anyBody,
  headers: fc
    .array(fc.tuple(fc.constantFrom(...HEADER_NAMES), fc.constantFrom(...HEADER_VALUES)), { maxLength: 3 })
    .map((pairs) => new Headers(pairs)),
  expectsAnswer: fc.boolean(),
  isWhole: fc.boolean(),
});
