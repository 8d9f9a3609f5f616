import { expect, test } from "bun:test";
import { measureRun, type RunOptions, type RunOutcome } from "../../src/bench/measure-run.ts";
import { USUAL_FORM } from "../../src/core/bench/meter.ts";
import { answer, type Reply, subscriptionRequired, tooManyConcurrent } from "../../src/demo/reply.ts";
import { send } from "../../src/proxy/transport.ts";
import { sceneOf, withUpstream } from "../demo/ask.ts";
import { keyOf, pacedProvider, providerAt } from "./paced.ts";

const LONG = { firstTokenMs: 30_000, stallMs: 30_000, totalMs: 30_000 };
const SOON_MS = 50;

function optionsFor(
  baseUrl: string,
  parts: Partial<RunOptions> = {},
  api: "chat" | "responses" = "chat",
): RunOptions {
  return {
    provider: providerAt(baseUrl, { api }),
    key: keyOf("only"),
    ref: { provider: "work", model: "m" },
    form: USUAL_FORM,
    mark: "ab12",
    limits: LONG,
    rules: [],
    send,
    elapsedMs: () => performance.now(),
    signal: new AbortController().signal,
    onToken: () => {},
    ...parts,
  };
}

async function measured(
  reply: Reply,
  parts: Partial<RunOptions> = {},
  api?: "chat" | "responses",
): Promise<RunOutcome> {
  let outcome: RunOutcome = { kind: "stopped" };
  await withUpstream(sceneOf(reply), async (upstream) => {
    outcome = await measureRun(optionsFor(upstream.baseUrl, parts, api));
  });
  return outcome;
}

test.each(["chat", "responses"] as const)(
  "an answer in the %s dialect is measured over a real connection",
  async (api) => {
    const seen: number[] = [];
    const outcome = await measured(
      {
        kind: "answer",
        reasoning: "so then",
        text: "one two three",
        chunkEveryMs: 30,
        usage: { input: 5, output: 50 },
      },
      { onToken: ({ tokens }) => seen.push(tokens) },
      api,
    );
    if (outcome.kind !== "measured") throw new Error(JSON.stringify(outcome));
    expect(outcome.figures.isEstimated).toBe(false);
    expect(outcome.figures.tokensPerSecond).toBeGreaterThan(0);
    expect(seen.at(-1)).toBe("so then".length / 4 + "one two three".length / 4);
  },
);

test("the provider gets the question straight, with the key and nothing of ours", async () => {
  await withUpstream(sceneOf({ kind: "answer", text: "one" }), async (upstream) => {
    await measureRun(optionsFor(upstream.baseUrl));
    const [call] = upstream.calls;
    expect(call).toMatchObject({
      path: "/v1/chat/completions",
      keyName: "only",
      model: "m",
      wantsStream: true,
    });
    expect([...(call?.headers.keys() ?? [])].filter((name) => name.startsWith("x-"))).toEqual([]);
  });
});

test.each<[name: string, reply: Reply, kind: string, fault: string]>([
  ["a plan that lacks the model", subscriptionRequired(), "subscription", "lane"],
  ["too many calls", tooManyConcurrent(), "concurrency", "lane"],
  [
    "an error in the place of an answer",
    {
      kind: "raw",
      status: 200,
      chunks: ['data: {"error":{"message":"Server overloaded, please retry shortly"}}\n\n'],
    },
    "overloaded",
    "model",
  ],
  ["a connection that breaks off", { kind: "reset" }, "reset", "attempt"],
  [
    "an answer that breaks off",
    { kind: "answer", text: "one two three", cut: { afterTokens: 2, how: "reset" } },
    "reset",
    "attempt",
  ],
  [
    "an answer without its end",
    { kind: "answer", text: "one two three", cut: { afterTokens: 2, how: "end" } },
    "reset",
    "attempt",
  ],
  [
    "an error in the middle of an answer",
    { kind: "answer", text: "one two three", cut: { afterTokens: 2, how: "error-event" } },
    "overloaded",
    "model",
  ],
  ["an answer that is empty", { kind: "answer", text: "" }, "server-error", "attempt"],
  [
    "an answer that is no stream",
    {
      kind: "raw",
      status: 200,
      chunks: ['{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}'],
    },
    "server-error",
    "attempt",
  ],
  [
    "a redirect",
    { kind: "raw", status: 302, headers: { location: "http://127.0.0.1:9/" }, chunks: [] },
    "forbidden",
    "provider",
  ],
])("%s is a refusal", async (_name, reply, kind, fault) => {
  const outcome = await measured(reply);
  expect(outcome).toMatchObject({ kind: "refused", verdict: { kind, fault } });
});

test("silence before the first token ends the run, and keep-alives are silence", async () => {
  const limits = { ...LONG, firstTokenMs: SOON_MS };
  const silent: Reply = { kind: "answer", text: "one", firstTokenAfterMs: 3_600_000, keepAliveEveryMs: 5 };
  expect(await measured(silent, { limits })).toMatchObject({ kind: "refused", verdict: { kind: "silent" } });
  expect(await measured({ kind: "hang" }, { limits })).toMatchObject({
    kind: "refused",
    verdict: { kind: "silent" },
  });
});

test("a stall in the middle ends the run", async () => {
  const reply: Reply = { kind: "answer", text: "one two three", cut: { afterTokens: 2, how: "stall" } };
  const outcome = await measured(reply, { limits: { ...LONG, stallMs: SOON_MS } });
  expect(outcome).toMatchObject({ kind: "refused", verdict: { kind: "timeout" } });
});

test("an answer that is longer than there is time for is measured as far as it came", async () => {
  const { send: endless, elapsedMs } = pacedProvider({
    m: { firstTokenMs: 400, gapMs: 100, tokens: 11, thenHangs: true },
  });
  const options = optionsFor("http://127.0.0.1:9/v1", {
    send: endless,
    elapsedMs,
    limits: { ...LONG, totalMs: SOON_MS },
  });
  expect(await measureRun(options)).toEqual({
    kind: "measured",
    figures: { firstTokenMs: 400, tokensPerSecond: 10, isEstimated: true },
  });
});

test("whoever stops the benchmark is waited for by nobody", async () => {
  await withUpstream(
    sceneOf((call) => answer(call, "one two", { cut: { afterTokens: 1, how: "stall" } })),
    async (upstream) => {
      const stop = new AbortController();
      const options = optionsFor(upstream.baseUrl, { signal: stop.signal, onToken: () => stop.abort() });
      expect(await measureRun(options)).toEqual({ kind: "stopped" });
      expect(await measureRun(options)).toEqual({ kind: "stopped" });
    },
  );
});

test("a key that its provider repeats is not told on", async () => {
  const secret = "secret-only";
  const outcome = await measured({ kind: "error", status: 401, body: { error: `bad key ${secret} given` } });
  expect(outcome).toMatchObject({ kind: "refused", verdict: { kind: "auth" } });
  expect(JSON.stringify(outcome)).not.toContain(secret);
});
