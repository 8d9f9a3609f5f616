import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { calmText, finalError, finalEvent, retryEvent } from "../../../src/core/routing/final-error.ts";

/** What opencode retries on, as it was found in its program: in the message or anywhere in the body. */
const RETRIED =
  /429|500|502|503|504|524|rate increased too quickly|rate[-_ ]limit|too[ _]many[ _]requests|overloaded|service[ _-]unavailable|internal[ _]error|internal server error|server[ _-]error|provider[ _-]returned[ _-]error|terminated|fetch failed|failed to fetch|network[-_\s]error|upstream connect|connection (?:error|refused|lost)|socket connection was closed|socket hang up|reset before headers|getaddrinfo|enotfound|eai_again|econnrefused|econnreset|etimedout|^timeout$|\b(?:request|response|connection|network|stream|read) (?:timeout|timed out|time out)\b|try your request again|retry your request|resource[ _]exhausted|\btry again (?:later|in\b)|\b(?:currently|temporarily) at capacity\b/i;

/** And what it compacts on. */
const COMPACTED =
  /prompt is too long|request_too_large|input is too long|exceeds the context window|maximum context length|exceeds the limit of \d+|context[_ ]length[_ ]exceeded|context window exceeds|request entity too large|too many tokens|token limit exceeded|reduce the length of the messages|model_context_window_exceeded|greater than the context length|prompt too long|context length is only/i;

const isCalm = (text: string): boolean => !RETRIED.test(text) && !COMPACTED.test(text);

describe("the last word", () => {
  test("has no number that opencode would retry on, from 0 to 99 999", () => {
    const wrong: number[] = [];
    for (let number = 0; number < 100_000; number++) {
      const text = calmText(`key ${number} at ${number}`);
      if (!isCalm(text) || !text.startsWith("key ")) wrong.push(number);
    }
    expect(wrong).toEqual([]);
  });

  test("keeps its digits, but for a space that nobody sees", () => {
    const text = calmText("id 4294967 and 50350 of 524");
    expect(text.replaceAll("\u200a", "")).toBe("id 4294967 and 50350 of 524");
  });

  test.each([
    "Rate limit reached for requests, try again in 20s",
    "Too Many Requests",
    "too_many_requests: rate_limited",
    "Server overloaded, please retry shortly",
    "The service is temporarily at capacity",
    "503 Service Unavailable",
    "Internal Server Error",
    "connection refused; fetch failed; socket hang up",
    "This model's maximum context length is 8192 tokens",
    "prompt is too long: 200000 tokens > 128000 maximum",
    "RESOURCE_EXHAUSTED: please try again later.",
    "upstream connect error or disconnect/reset before headers",
    "timeout",
    "Request timed out",
    "rate-limited\nrate limit\r\nRATE_LIMIT",
  ])("is calm whatever the provider said: %j", (said) => {
    expect(calmText(said)).toSatisfy(isCalm);
    expect(JSON.stringify(finalError(`[orouter] ALL KEYS EXHAUSTED\n  work: ${said}`))).toSatisfy(isCalm);
    expect(finalEvent("chat", said)).toSatisfy(isCalm);
  });

  test("is calm for any mixture of such words", () => {
    const anyWord = fc.oneof(
      fc.constantFrom(
        "rate",
        "limit",
        " ",
        "-",
        "_",
        "too",
        "many",
        "requests",
        "tokens",
        "server",
        "error",
        "429",
        "50",
        "3",
      ),
      fc.constantFrom(
        "try",
        "again",
        "in",
        "later",
        "connection",
        "timed out",
        "exceeds the limit of ",
        "4",
        "29",
        "internal",
      ),
      fc.string({ unit: "binary", maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(anyWord, { maxLength: 14 }), (words) => {
        const text = calmText(words.join(""));
        expect(isCalm(text)).toBe(true);
        expect(JSON.stringify(finalError(words.join(" ")))).toSatisfy(isCalm);
      }),
      { numRuns: 3_000 },
    );
  });

  test("is itself where it is calm already", () => {
    const text =
      "[orouter] ALL KEYS EXHAUSTED: keys were refused (wrong or expired)\n  work: key refused on a/m";
    expect(calmText(text)).toBe(text);
  });
});

function dataOf(event: string): unknown {
  return JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? "");
}

test("a chat stream fails in the form that opencode reads: JSON within the message", () => {
  const { error } = dataOf(retryEvent("chat", "it broke")) as { error: { message: string; type: string } };
  expect(JSON.parse(error.message)).toEqual({
    type: "error",
    error: { code: "server_error", message: "it broke" },
  });
  expect(retryEvent("chat", "it broke")).toEndWith("\n\n");
});

test("a stream of the responses dialect fails in its own form", () => {
  expect(dataOf(finalEvent("responses", "no more"))).toMatchObject({
    type: "error",
    error: { code: "invalid_prompt", message: "no more" },
  });
});
