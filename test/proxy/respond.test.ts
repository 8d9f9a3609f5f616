import { expect, test } from "bun:test";
import {
  type Answer,
  contentPolicy,
  contextOverflow,
  openaiError,
  type Reply,
  rateLimited,
  unauthorized,
} from "../../src/demo/reply.ts";
import { readEvents, textOf } from "../demo/read-events.ts";
import { until, withPair } from "./rig.ts";

const GOOD: Answer = { kind: "answer", text: "fine" };

interface Failure {
  error: { message: string; type: string; code: string };
}

const failureOf = async (response: Response): Promise<Failure["error"]> =>
  ((await response.json()) as Failure).error;

test("an overflow goes back once in the form that is compacted on, and is final the second time", () =>
  withPair({ reply: () => contextOverflow(), chain: ["a/first"] }, async (rig) => {
    const first = await rig.ask({ session: "s" });
    expect([first.status, (await failureOf(first)).code]).toEqual([400, "context_length_exceeded"]);
    const second = await rig.ask({ session: "s" });
    const error = await failureOf(second);
    expect([second.status, error.code, error.type]).toEqual([400, "invalid_prompt", "invalid_request_error"]);
    expect(error.message).not.toMatch(/context[_ ]length|too long/i);
    // Another session has not been compacted yet.
    expect((await failureOf(await rig.ask({ session: "t" }))).code).toBe("context_length_exceeded");
    expect(rig.router.cooldowns.size).toBe(0);
  }));

test("a full turn that fits again may overflow again", () => {
  const replies = [contextOverflow(), GOOD, contextOverflow()];
  const reply = (call: { nthOfAll: number }): Reply => replies[call.nthOfAll - 1] ?? GOOD;
  return withPair({ reply, chain: ["a/first"] }, async (rig) => {
    const more = { tools: [{ type: "function", function: { name: "ls" } }] };
    expect((await failureOf(await rig.ask({ session: "s", more }))).code).toBe("context_length_exceeded");
    await (await rig.ask({ session: "s", more })).text();
    expect((await failureOf(await rig.ask({ session: "s", more }))).code).toBe("context_length_exceeded");
  });
});

test.each<[what: string, windows: [number, number], asked: string[]]>([
  ["a larger window", [8_192, 32_768], ["first", "second"]],
  ["a window that is no larger", [8_192, 8_192], ["first"]],
])("an overflow goes to a model with %s, and to no other", (_what, [here, there], asked) => {
  const reply = (call: { model: string }): Reply => (call.model === "first" ? contextOverflow() : GOOD);
  const models = [
    { id: "a/first", context: here },
    { id: "a/second", context: there },
  ];
  return withPair({ reply, keys: ["one", "two"], config: { models } }, async (rig, upstream) => {
    await (await rig.ask()).text();
    expect(upstream.calls.map((call) => call.model)).toEqual(asked);
  });
});

test("an overflow that is told in a stream goes back as one too", () => {
  const event = `data: ${JSON.stringify(contextOverflow().body)}\n\n`;
  const reply: Reply = {
    kind: "raw",
    status: 200,
    headers: { "content-type": "text/event-stream" },
    chunks: [event],
  };
  return withPair({ reply: () => reply, chain: ["a/first"] }, async (rig) => {
    const response = await rig.ask();
    expect([response.status, (await failureOf(response)).code]).toEqual([400, "context_length_exceeded"]);
  });
});

test("a refusal by content policy goes back in the provider's words, and no other model is asked", () =>
  withPair({ reply: () => contentPolicy(), keys: ["one", "two"] }, async (rig, upstream) => {
    const response = await rig.ask();
    expect([response.status, await response.json()]).toEqual([400, contentPolicy().body]);
    expect(response.headers.get("x-orouter-model")).toBe("a/first");
    expect(response.headers.get("x-orouter-key")).toBe(upstream.calls[0]?.keyName ?? null);
    expect(response.headers.get("x-orouter-attempts")).toBe("1");
    expect(upstream.calls.length).toBe(1);
    expect(rig.router.cooldowns.size).toBe(0);
  }));

test("a refusal of the request inside of a stream becomes an error with the provider's words", () => {
  const { body } = contentPolicy();
  const chunks = [`data: ${JSON.stringify(body)}\n\n`];
  const reply: Reply = { kind: "raw", status: 200, headers: { "content-type": "text/event-stream" }, chunks };
  return withPair({ reply: () => reply }, async (rig, upstream) => {
    const response = await rig.ask();
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toStartWith("application/json");
    expect((await failureOf(response)).message).toContain("safety system");
    expect(upstream.calls.length).toBe(1);
  });
});

test.each([401, 404, 409, 429, 500])(
  "a bad request in the status %d goes back in one that nobody retries",
  (status) => {
    const refusal = openaiError(status, "no such thing as that", "invalid_request_error");
    const rules = [{ text: "no such thing", verdict: "bad-request" }];
    return withPair({ reply: () => refusal, config: { rules } }, async (rig, upstream) => {
      const response = await rig.ask();
      expect([response.status, await response.json()]).toEqual([400, refusal.body]);
      expect(upstream.calls.length).toBe(1);
    });
  },
);

test("a last word names every key and its reason, and holds no number that would be retried", () => {
  const reply = (call: { keyName: string }): Reply =>
    call.keyName === "one" ? unauthorized() : rateLimited(4_290);
  return withPair({ reply, keys: ["one", "two"], chain: ["a/first-429"] }, async (rig, upstream) => {
    const { message } = await failureOf(await rig.ask());
    expect(message).toContain("[orouter] ALL KEYS EXHAUSTED");
    expect(message).toContain("one - 401 on a/first-4\u200a29: invalid key");
    expect(message).toContain("two - 4\u200a29 on a/first-4\u200a29: at the limit");
    expect(message).not.toContain("429");
    // The soft failure is not retried before its time, except for one probe.
    expect(upstream.calls.length).toBeLessThanOrEqual(3);
    expect(rig.records()[0]?.outcome).toBe("exhausted");
  });
});

test("three limits in a row on a session send it to the next model", () => {
  const reply = (call: { model: string }): Reply => (call.model === "first" ? rateLimited(600) : GOOD);
  return withPair({ reply, keys: ["one", "two", "three", "four", "five"] }, async (rig, upstream) => {
    await (await rig.ask({ session: "s" })).text();
    expect(upstream.calls.map((call) => call.model)).toEqual(["first", "first", "first", "second"]);
  });
});

test("a session keeps its key, and another may have another", () =>
  withPair({ reply: () => GOOD, keys: ["one", "two", "three"] }, async (rig, upstream) => {
    for (let nth = 0; nth < 8; nth++) await (await rig.ask({ session: "s" })).text();
    expect(new Set(upstream.calls.map((call) => call.keyName)).size).toBe(1);
    for (let nth = 0; nth < 40; nth++) await (await rig.ask({ session: `other ${nth}` })).text();
    expect(new Set(upstream.calls.map((call) => call.keyName)).size).toBe(3);
  }));

test("tries on one key come before the next key where they are allowed", () => {
  const reply = (call: { keyNumber: number }): Reply =>
    call.keyNumber === 1 ? openaiError(500, "it failed", "api_error") : GOOD;
  // A failure of the same kind three times in a row pauses the model, so two attempts.
  const config = { routing: { tries_per_key: 2, strategy: "round-robin" } };
  return withPair({ reply, keys: ["one", "two", "three"], config }, async (rig, upstream) => {
    await (await rig.ask()).text();
    const [first, second, third] = upstream.calls.map((call) => call.keyName);
    expect([upstream.calls.length, first === second, second === third]).toEqual([3, true, false]);
  });
});

test("in a chain a model of the other dialect is asked in its own words; one named in the path as it is", () => {
  const config = { providers: { b: { api: "responses" } } };
  const reply = (call: { model: string }): Reply => (call.model === "first" ? rateLimited(600) : GOOD);
  return withPair({ reply, chain: ["a/first", "b/second"], config }, async (rig, upstream) => {
    const lent = await rig.ask();
    expect(lent.status).toBe(200);
    expect(await lent.text()).toContain('"object":"chat.completion.chunk"');
    const own = await rig.ask({ path: "/b/v1/responses", model: "second" });
    expect(own.status).toBe(200);
    await own.text();
    expect(upstream.calls.map((call) => [call.model, call.dialect])).toEqual([
      ["first", "chat"],
      ["second", "responses"],
      ["second", "responses"],
    ]);
  });
});

test("embeddings are of the model that was asked for, or there are none", () => {
  const config = { fallbacks: { "*": ["b/second"] } };
  return withPair({ reply: () => GOOD, config }, async (rig, upstream) => {
    const body = JSON.stringify({ model: "first", input: "x" });
    const response = await rig.fetch("/a/v1/embeddings", { method: "POST", body });
    expect(response.status).toBe(404);
    expect(upstream.calls.map((call) => call.model)).toEqual(["first"]);
  });
});

test("a whole completion comes as the stream that was asked for", () => {
  const message = {
    role: "assistant",
    content: "fine",
    tool_calls: [{ id: "1", type: "function", function: { name: "ls", arguments: "{}" } }],
  };
  const usage = { prompt_tokens: 3, completion_tokens: 5 };
  const body = { id: "c", model: "m", choices: [{ index: 0, message, finish_reason: "tool_calls" }], usage };
  return withPair({ reply: () => ({ kind: "error", status: 200, body }) }, async (rig) => {
    const response = await rig.ask();
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const text = await response.text();
    expect(textOf(readEvents(text))).toBe("fine");
    expect(text).toContain('"finish_reason":"tool_calls"');
    expect(text).toEndWith("data: [DONE]\n\n");
    expect(rig.records()[0]).toMatchObject({ inputTokens: 3, outputTokens: 5, outcome: "served" });
  });
});

test("a stream that calls itself something else is passed on as it comes", () => {
  const event = (content: string): string =>
    `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: null }] })}\n\n`;
  const reply: Reply = {
    kind: "raw",
    status: 200,
    headers: { "content-type": "text/plain" },
    chunks: [event("first "), event("second")],
    end: "stall",
  };
  return withPair({ reply: () => reply }, async (rig) => {
    const response = await rig.ask();
    const reader = response.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    expect(Buffer.from(value ?? []).toString()).toContain("first ");
    await reader?.cancel();
  });
});

test("tokens of an answer in one piece are counted", () =>
  withPair({ reply: () => ({ ...GOOD, usage: { input: 7, output: 9 } }) }, async (rig) => {
    await (await rig.ask({ stream: false })).json();
    expect(rig.records()[0]).toMatchObject({ inputTokens: 7, outputTokens: 9 });
  }));

test("an endpoint that names no model is no model to switch to", () =>
  withPair({ reply: () => GOOD }, async (rig) => {
    await (await rig.fetch("/a/v1/models")).json();
    expect(rig.router.knownModels().map((ref) => ref.model)).toEqual(["first", "second"]);
  }));

test("a client that leaves before a word has come leaves the attempt in the record, as cancelled", () =>
  withPair({ reply: () => ({ kind: "hang" }), chain: ["a/first"] }, async (rig, upstream) => {
    const leaving = new AbortController();
    const asked = rig.ask({ signal: leaving.signal }).catch(() => undefined);
    await until(() => upstream.calls.length === 1);
    leaving.abort();
    await asked;
    await until(() => rig.records().length === 1);
    const [record] = rig.records();
    expect(record?.outcome).toBe("client-gone");
    expect(record?.attempts.map(({ status, verdict, keyName }) => ({ status, verdict, keyName }))).toEqual([
      { status: 0, verdict: "cancelled", keyName: "one" },
    ]);
  }));
