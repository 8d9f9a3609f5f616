import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readErrorText } from "../../../src/core/verdict/find-error.ts";

const json = (value: unknown) => readErrorText(JSON.stringify(value));

describe("the message is found in", () => {
  test.each<[name: string, body: unknown]>([
    ["a string under error", { error: "boom went it" }],
    ["an error object", { error: { message: "boom went it", type: "api_error", code: null } }],
    ["an error in an error", { error: { error: { message: "boom went it", code: 402 }, code: 402 } }],
    ["a list around the error", [{ error: { message: "boom went it" } }]],
    ["a list of errors", { errors: [{ message: "boom went it", code: 4006 }], success: false }],
    ["a flat error", { object: "error", message: "boom went it", code: 400 }],
    ["a code beside a string", { code: "invalid-argument", error: "boom went it" }],
    ["a problem document", { status: 403, title: "Forbidden", detail: "boom went it" }],
    [
      "a validator's list",
      { detail: [{ loc: ["body"], msg: "boom went it", type: "x", input: "secret words" }] },
    ],
    ["JSON inside the message", { error: { message: '{"error":{"message":"boom went it"}}', code: 400 } }],
    [
      "JSON inside JSON inside the message",
      {
        error: { message: JSON.stringify({ error: { message: JSON.stringify({ error: "boom went it" }) } }) },
      },
    ],
    [
      "what the provider behind a gateway said",
      { error: { message: "Provider returned error", metadata: { raw: "boom went it" } } },
    ],
    ["MiniMax's envelope", { base_resp: { status_code: 1000, status_msg: "boom went it" } }],
    ["a bare JSON string", "boom went it"],
  ])("%s", (_name, body) => {
    expect(json(body).message).toBe("boom went it");
  });

  test.each<[name: string, body: string]>([
    ["plain text", "boom went it\n"],
    ["an event", 'data: {"error":{"message":"boom went it"}}\n\n'],
    ["a later event", ': hi\n\ndata: {"choices":[]}\n\ndata: {"error":{"message":"boom went it"}}\n\n'],
    ["a line of NDJSON", '{"done":false}\n{"error":"boom went it"}\n'],
    [
      "the title of a page",
      "<!DOCTYPE html>\n<html><head><title>boom went it</title></head><body>rate limit</body></html>",
    ],
    ["JSON that was cut", '{"error":{"message":"boom went it","type":"x'],
  ])("%s", (_name, body) => {
    expect(readErrorText(body).message).toBe("boom went it");
  });
});

describe("what surrounds the message", () => {
  test("codes come as strings, whatever they were, and a status as a number", () => {
    expect(json({ error: { code: 429, type: "tokens", status: "RESOURCE_EXHAUSTED" } })).toMatchObject({
      codes: ["429", "tokens", "RESOURCE_EXHAUSTED"],
      status: 429,
    });
    expect(json({ error: { code: "502" } }).status).toBe(502);
    expect(json({ error: { code: "1302" } }).status).toBeUndefined();
  });

  test("codes are read out of nested JSON and its details", () => {
    const inner = {
      error: { details: [{ reason: "API_KEY_INVALID" }, { violations: [{ quotaId: "PerDay-x" }] }] },
    };
    expect(json({ error: { message: `upstream: ${JSON.stringify(inner)}` } }).codes).toEqual([
      "API_KEY_INVALID",
      "PerDay-x",
    ]);
  });

  test("what the caller or the model wrote is not read", () => {
    const { text, codes } = json({
      error: {
        message: "no",
        failed_generation: "mine",
        metadata: { flagged_input: "mine" },
        prompt: "mine",
      },
      input: "mine",
    });
    expect(text).toBe("no");
    expect(codes).toEqual(["flagged_input"]);
  });

  test("links are left out of the text, not out of the message", () => {
    const { text, message } = json({ error: "see https://example.com/rate-limits now" });
    expect(text).toBe("see now");
    expect(message).toContain("rate-limits");
  });

  test("a number in brackets is wording, not JSON", () => {
    expect(json({ error: { message: "[502]: This job failed" } }).message).toBe("[502]: This job failed");
  });

  test("nothing at all gives nothing at all", () => {
    expect(readErrorText("")).toMatchObject({
      form: "empty",
      text: "",
      message: "",
      codes: [],
      status: undefined,
    });
  });
});

describe("any body", () => {
  const anyBody = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json(),
    fc.json().map((body) => JSON.stringify({ error: { message: body } })),
    fc.json().map((body) => `data: ${body}\n\n`),
    fc.json().map((body) => body.slice(0, body.length / 2)),
  );

  test("is read without a throw into one line", () => {
    fc.assert(
      fc.property(anyBody, (body) => {
        expect(readErrorText(body).text).not.toMatch(/[\n\r]/);
      }),
    );
  });

  test("may be deep or huge", () => {
    expect(readErrorText("[".repeat(60_000)).form).toBe("text");
    expect(readErrorText(`${'{"error":'.repeat(5000)}1${"}".repeat(5000)}`).form).toBe("json");
    expect(readErrorText("x".repeat(1_000_000)).text.length).toBeLessThanOrEqual(8192);
  });
});
