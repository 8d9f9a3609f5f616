import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ownWords } from "../../../src/core/scrub.ts";
import { classify, type ProviderReply } from "../../../src/core/verdict/classify.ts";
import type { UserRule } from "../../../src/core/verdict/error-rule.ts";

const NOW = Date.UTC(2026, 9, 7, 12, 0, 0);

function reply(status: number, body: unknown, more: Partial<ProviderReply> = {}): ProviderReply {
  return {
    provider: "some-service",
    status,
    headers: new Headers(),
    body: typeof body === "string" ? body : JSON.stringify(body),
    expectsAnswer: true,
    ...more,
  };
}

function verdictOf(status: number, body: unknown, more: Partial<ProviderReply> = {}) {
  return classify(reply(status, body, more), { userRules: [], secrets: [], nowMs: NOW });
}

describe("good answers", () => {
  const message = (content: string) => ({
    id: "1",
    object: "chat.completion",
    choices: [{ message: { role: "assistant", content }, finish_reason: "stop" }],
  });

  test.each<[name: string, body: unknown]>([
    [
      "an answer about subscriptions",
      message("That model requires a subscription. HTTP 429: rate limit exceeded."),
    ],
    ["an answer that quotes an error", message('{"error":{"message":"insufficient balance","code":402}}')],
    ["an answer with an empty error", { ...message("hi"), error: null }],
    [
      "a filtered answer, which is the model's own end",
      { choices: [{ finish_reason: "content_filter", message: { content: null } }] },
    ],
    [
      "a response with no error",
      { object: "response", status: "completed", error: null, output: [{ type: "message" }] },
    ],
    ["a stream's first event", 'data: {"choices":[{"delta":{"content":"event: error"}}]}\n\n'],
    [
      "a native answer",
      {
        model: "m",
        message: { role: "assistant", content: "this model requires a subscription" },
        done: true,
      },
    ],
    [
      "a stream that came whole",
      'data: {"choices":[{"delta":{"content":"a"},"finish_reason":null}]}\n\ndata: [DONE]\n\n',
    ],
    ["a native answer that is JSON", { model: "m", response: '{"error":"too many requests"}', done: true }],
    ["the head of a stream with comments only", ": waiting\n\n"],
    ["a fine envelope of MiniMax", { ...message("ok"), base_resp: { status_code: 0, status_msg: "" } }],
  ])("%s", (_name, body) => {
    expect(verdictOf(200, body)).toBeUndefined();
  });

  test("a listing is no answer and still good", () => {
    expect(
      verdictOf(200, { object: "list", data: [{ id: "error" }] }, { expectsAnswer: false }),
    ).toBeUndefined();
    expect(verdictOf(200, "anything at all: rate limit", { expectsAnswer: false })).toBeUndefined();
  });

  test("whatever a model writes, a completed answer is never an error", () => {
    const anyContent = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '"error": {"code": 429}',
        "event: error\ndata: {}",
        '{"error":"x"}',
        '\\"error\\"',
        "data: [DONE]",
      ),
      fc.json(),
    );
    const wrap: ((content: string) => string)[] = [
      (content) => JSON.stringify(message(content)),
      (content) => JSON.stringify({ ...message(content), error: null }),
      (content) =>
        JSON.stringify({
          object: "response",
          status: "completed",
          error: null,
          output: [{ type: "message", content: [{ type: "output_text", text: content }] }],
        }),
      (content) =>
        JSON.stringify({ type: "message", role: "assistant", content: [{ type: "text", text: content }] }),
      (content) => JSON.stringify({ model: "m", response: content, done: true }),
      (content) =>
        `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`,
      (content) =>
        JSON.stringify({
          choices: [{ message: { tool_calls: [{ function: { name: "f", arguments: content } }] } }],
        }),
    ];
    fc.assert(
      fc.property(anyContent, fc.constantFrom(...wrap), fc.boolean(), (content, form, isWhole) => {
        expect(verdictOf(200, form(content), { isWhole })).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });
});

describe("answers that are none", () => {
  test.each<[name: string, body: unknown, rule: string]>([
    ["an empty body", "", "no-answer"],
    [
      "a page",
      "<html><head><title>Welcome</title></head><body>requires a subscription</body></html>",
      "no-answer",
    ],
    ["a stranger's JSON", { hello: "world" }, "no-answer"],
    ["a stream without an end", 'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n', "answer-cut"],
    [
      "native lines without an end",
      '{"message":{"content":"a"},"done":false}\n{"message":{"content":"b"},"done":false}\n',
      "answer-cut",
    ],
    ["a stream of comments", ": waiting\n\n", "no-answer"],
  ])("%s", (_name, body, rule) => {
    const verdict = verdictOf(200, body, { isWhole: true });
    expect(verdict).toMatchObject({ kind: "server-error", fault: "attempt", rule });
  });
});

describe("a user's own rules", () => {
  const rules: UserRule[] = [
    { provider: "work", text: "Pool is DRAINED", verdict: "overloaded" },
    { status: 418, verdict: "quota" },
    { regex: /grumpy \d+/g, verdict: "bad-request" },
  ];
  const withRules = (one: ProviderReply) => classify(one, { userRules: rules, secrets: [], nowMs: NOW });

  test("come before ours, in their order", () => {
    expect(withRules(reply(401, { error: "pool is drained" }, { provider: "work" }))).toMatchObject({
      kind: "overloaded",
      fault: "attempt",
      rule: "your rule 1",
    });
  });

  test("speak only where all their conditions hold", () => {
    expect(withRules(reply(401, { error: "pool is drained" }))).toMatchObject({ kind: "auth" });
    expect(withRules(reply(418, "teapot"))).toMatchObject({ kind: "quota", fault: "key" });
  });

  test("see words under fields we do not know, every time", () => {
    for (let time = 0; time < 3; time++)
      expect(withRules(reply(500, { mood: "grumpy 7" }))).toMatchObject({ kind: "bad-request" });
  });

  test("do not touch a good answer", () => {
    const answer = { choices: [{ message: { content: "pool is drained, grumpy 7" } }] };
    expect(withRules(reply(200, answer, { provider: "work" }))).toBeUndefined();
  });
});

describe("what else a verdict carries", () => {
  test("the status that an error inside a 200 names", () => {
    expect(verdictOf(200, { error: { message: "x", code: 402 } })).toMatchObject({
      kind: "payment",
      status: 402,
    });
  });

  test("a declared wait", () => {
    const headers = new Headers({ "retry-after": "7" });
    expect(verdictOf(429, { error: "slow down" }, { headers })?.waitMs).toBe(7000);
  });

  test("no wait where nobody rests", () => {
    const headers = new Headers({ "retry-after": "7" });
    expect(verdictOf(400, { error: "nonsense" }, { headers })?.waitMs).toBeUndefined();
  });

  test("the end of a window that Ollama names", () => {
    const body = { error: "you (someone) have reached your weekly usage limit, upgrade for higher limits" };
    expect(verdictOf(429, body)?.waitMs).toBe(Date.UTC(2026, 9, 12) - NOW);
  });

  test("no minute's wait for a day's quota", () => {
    const body = {
      error: {
        code: 429,
        message: "Quota exceeded",
        details: [{ violations: [{ quotaId: "GenerateRequestsPerDayPerModel" }] }, { retryDelay: "34s" }],
      },
    };
    expect(verdictOf(429, body)).toMatchObject({ kind: "quota", waitMs: undefined });
  });

  test("the words of the upstream behind a gateway", () => {
    const body = {
      error: {
        message: "Provider returned error",
        code: 400,
        metadata: { raw: '{"error":{"message":"bad tool schema"}}' },
      },
    };
    expect(verdictOf(400, body)?.message).toBe(ownWords("bad tool schema"));
  });

  test("a sentence of our own where the provider gave none", () => {
    expect(verdictOf(410, "")?.message).toBe(ownWords("The service answered 410 and gave no reason."));
  });

  test("a missing scope for combos that leaves chat alone", () => {
    const more = { path: "/api/combos", expectsAnswer: false };
    expect(verdictOf(403, { error: "Invalid token" }, more)).toMatchObject({
      kind: "forbidden",
      fault: "request",
    });
  });

  test("no model blamed for a file that is not there", () => {
    expect(verdictOf(404, { error: "no such file" }, { expectsAnswer: false })).toMatchObject({
      fault: "request",
    });
  });

  test.each<[words: string, limit: number | undefined]>([
    ["Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", 8192],
    ["max_tokens is too large: 32000. This model supports at most 16384 completion tokens.", 16_384],
    ["max_tokens: 128001 > 64000, which is the maximum allowed number of output tokens for it", 64_000],
    ["`max_tokens` must be less than or equal to `8,192`", 8192],
    ["maxOutputTokens value of 100000 but the supported range is from 1 to 65537 (exclusive)", 65_536],
    ["The maximum tokens you requested exceeds the model limit of 8192. Try a lower value.", 8192],
    ["max_tokens 参数不能超过 98304", 98_304],
    ["max_tokens is too large for this model", undefined],
  ])("the most output tokens: %s", (message, outputLimit) => {
    expect(verdictOf(400, { error: { message } })).toMatchObject({ kind: "output-limit", fault: "request" });
    expect(verdictOf(400, { error: { message } })?.outputLimit).toBe(outputLimit);
  });

  test("no output limit where the prompt is what is too long", () => {
    const message =
      "max_tokens is too large: 5000. You sent 4000 input tokens and the context length is 4096.";
    expect(verdictOf(400, { error: { message } })).toMatchObject({ kind: "overflow", fault: "request" });
  });

  test("a missing path that blames no model where no answer was asked for", () => {
    const verdict = verdictOf(404, { detail: "Not Found" }, { expectsAnswer: false });
    expect(verdict).toMatchObject({ kind: "bad-request", fault: "request" });
  });

  test("the model where NVIDIA has no page for it", () => {
    const more = { provider: "nvidia" };
    expect(verdictOf(404, "404 page not found", more)).toMatchObject({
      kind: "model-not-found",
      fault: "model",
    });
  });

  test("the gateway's account, not ours, where a gateway repeats its upstream", () => {
    const body = (message: string) => ({
      error: {
        message: "Provider returned error",
        metadata: { raw: JSON.stringify({ error: { message } }) },
      },
    });
    expect(verdictOf(402, body("Insufficient balance"))).toMatchObject({ kind: "payment", fault: "model" });
    expect(verdictOf(401, body("Invalid API key"))).toMatchObject({ kind: "forbidden", fault: "model" });
  });

  test("a short line, whatever came", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string().map((text) => `{"error":"${text}`),
        ),
        fc.integer({ min: 400, max: 599 }),
        (body, status) => {
          const verdict = verdictOf(status, body);
          expect(verdict?.message.length).toBeLessThanOrEqual(300);
          expect(verdict?.message).toMatch(/^[^\n\r]+$/);
        },
      ),
    );
  });
});

// A pattern with exponential backtracking would take minutes and hit the test's time limit.
test.each([
  "model ",
  "prompt 1234567 tokens ",
  "1",
  " ",
  "a",
  "额度",
  "gpt-",
  "limit reached for ",
  "Not Found | ",
  "error: ",
  '{"',
  "[",
])("a megabyte of %j is judged all the same", (seed) => {
  const text = seed.repeat(Math.ceil(1_000_000 / seed.length));
  for (const status of [400, 403, 404, 429, 500]) {
    expect(verdictOf(status, text)?.status).toBe(status);
    expect(verdictOf(status, { error: { message: text } })?.status).toBe(status);
  }
});
