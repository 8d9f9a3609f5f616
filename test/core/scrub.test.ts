import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { oneLine, redact } from "../../src/core/scrub.ts";

// Concatenated, so that no scanner reports this file as a leak.
const tail = "Ab3dEf6hIj9kLm2nOp5q";
const hex = "0123456789abcdef0123456789abcdef";

describe("redact takes out", () => {
  test.each<[name: string, secret: string, text: (secret: string) => string]>([
    ["an OpenAI key", `sk-proj-${tail}`, (key) => `Incorrect API key provided: ${key}. See the docs`],
    ["an OpenRouter key", `sk-or-v1-${hex}`, (key) => `key=${key}`],
    ["an NVIDIA key", `nvapi-${tail}`, (key) => `bad ${key}!`],
    ["a Groq key", `gsk_${tail}`, (key) => key],
    ["a HuggingFace key", `hf_${tail}`, (key) => `(${key})`],
    ["a GitHub token", `ghp_${tail}`, (key) => `with ${key} no`],
    ["a Google key", `AIza${tail}${tail}`, (key) => `?key=${key}&alt=sse`],
    ["an Ollama key", `${hex}.${tail}`, (key) => `${key} was refused`],
    ["a bearer token", "abcdefgh.12345678", (key) => `authorization: Bearer ${key}`],
    ["a web token", `eyJhbGciOi.eyJzdWIiOi.${tail}`, (key) => `token ${key}`],
    ["a login in a URL", "me:pa55word", (key) => `http://${key}@proxy.local:8080/x`],
    ["what is announced as a key", `${tail}/+==`, (key) => `"api_key": "${key}"`],
    ["hex behind the word token", hex, (key) => `token: ${key}`],
  ])("%s", (_name, secret, text) => {
    const clean = redact(text(secret), []);
    expect(clean).not.toContain(secret);
    expect(clean).toContain("[redacted]");
  });

  test("every secret it is given, in a URL's spelling too", () => {
    expect(redact("a=pass wörd&b=pass%20w%C3%B6rd", ["pass wörd"])).toBe("a=[redacted]&b=[redacted]");
  });

  test("the longer of two secrets first", () => {
    expect(redact("abcdef abcd", ["abcd", "abcdef"])).toBe("[redacted] [redacted]");
  });

  test("given secrets from any text", () => {
    const secret = fc
      .string({ minLength: 4 })
      .filter((text) => !"[redacted]".includes(text) && !text.includes("[") && !text.includes("]"));
    fc.assert(
      fc.property(fc.string(), secret, fc.string(), (before, key, after) => {
        expect(redact(before + key + after, [key])).not.toContain(key);
      }),
    );
  });
});

describe("redact leaves", () => {
  test.each([
    "this model requires a subscription (ref: 719aa922-7fc8-49e7-a0d2-ee013279f741)",
    "key 719aa922-7fc8-49e7-a0d2-ee013279f741 is a request id",
    "Invalid token: authentication_required_error",
    "you have reached your session usage limit, upgrade at https://ollama.com/upgrade",
    "Limit 7000, Used 6148, Requested 7895 tokens",
    "model gpt-oss:120b-2026-08-01 in organization org_abc123 not found",
    "Bearer",
  ])("%s", (text) => {
    expect(redact(text, [])).toBe(text);
  });
});

describe("one line", () => {
  test.each<[text: string, max: number, expected: string]>([
    ["  a\n\tb\r\n c ", 20, "a b c"],
    ["\u001b[31mred\u001b[0m\u0007", 20, "red"],
    ["abcdef", 6, "abcdef"],
    ["abcdefg", 6, "abcde…"],
    ["ab😀cd", 4, "ab…"],
  ])("of %j with %d characters is %j", (text, max, expected) => {
    expect(oneLine(text, max)).toBe(expected);
  });

  test("is never longer than asked, never broken, and safe for a terminal", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 50 }), (text, max) => {
        const line = oneLine(text, max);
        expect(line.length).toBeLessThanOrEqual(max);
        expect(line).not.toMatch(/\p{Cc}/u);
        expect(line.isWellFormed()).toBe(true);
      }),
    );
  });
});
