import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { calmText, opencode1, opencode2 } from "../../../src/core/client/opencode.ts";

/** What opencode retries on, as found in its program: in the message or anywhere in the body. */
const RETRIED =
  /429|500|502|503|504|524|rate increased too quickly|rate[-_ ]limit|too[ _]many[ _]requests|overloaded|service[ _-]unavailable|internal[ _]error|internal server error|server[ _-]error|provider[ _-]returned[ _-]error|terminated|fetch failed|failed to fetch|network[-_\s]error|upstream connect|connection (?:error|refused|lost)|socket connection was closed|socket hang up|reset before headers|getaddrinfo|enotfound|eai_again|econnrefused|econnreset|etimedout|^timeout$|\b(?:request|response|connection|network|stream|read) (?:timeout|timed out|time out)\b|try your request again|retry your request|resource[ _]exhausted|\btry again (?:later|in\b)|\b(?:currently|temporarily) at capacity\b/i;

/** What opencode compacts on. */
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
    const message = `[orouter] ALL KEYS EXHAUSTED\n  work: ${said}`;
    for (const profile of [opencode1, opencode2]) {
      const { body } = profile.finalError({ why: "exhausted", message, freeInMs: undefined }, "chat");
      expect(JSON.stringify(body)).toSatisfy(isCalm);
      expect(profile.finalEvent(said, "chat")).toSatisfy(isCalm);
      expect(profile.finalEvent(said, "responses")).toSatisfy(isCalm);
    }
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
        expect(calmText(words.join("\n"))).toSatisfy(isCalm);
      }),
      { numRuns: 3_000 },
    );
  });

  test("keeps the lines around one whose words cannot be said", () => {
    const text = "[orouter] ALL KEYS EXHAUSTED!\n  work: econnreset by peer\nNext: wait";
    expect(calmText(text)).toBe("[orouter] ALL KEYS EXHAUSTED!\n  (see: orouter logs)\nNext: wait");
    expect(calmText("econnreset by peer")).toBe("[orouter] The request failed. See why with: orouter logs");
  });

  test("counts rate-limited keys in the words of the report", () => {
    expect(calmText("6 no model access, 2 rate-limited, 0 other errors.")).toBe(
      "6 no model access, 2 rate\u2011limited, 0 other errors.",
    );
  });

  test("is itself where it is calm already", () => {
    const text =
      "[orouter] ALL KEYS EXHAUSTED: keys were refused (wrong or expired)\n  work: key refused on a/m";
    expect(calmText(text)).toBe(text);
  });
});
