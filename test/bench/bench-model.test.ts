import { expect, test } from "bun:test";
import { type BenchModelOptions, benchModel } from "../../src/bench/bench-model.ts";
import type { Send } from "../../src/bench/measure-run.ts";
import type { ModelBench } from "../../src/core/bench/results.ts";
import { keyOf, type Pace, pacedProvider, providerAt } from "./paced.ts";

function optionsFor(
  model: string,
  parts: Pick<BenchModelOptions, "send"> & Partial<BenchModelOptions>,
): BenchModelOptions {
  let marks = 0;
  return {
    ref: { provider: "work", model },
    provider: providerAt("http://127.0.0.1:9/v1"),
    keys: [keyOf("a"), keyOf("b")],
    skippedKeys: [],
    runs: 3,
    limits: { firstTokenMs: 30_000, stallMs: 30_000, totalMs: 30_000 },
    rules: [],
    elapsedMs: () => 0,
    newMark: () => `m${marks++}`,
    signal: new AbortController().signal,
    onChange: () => {},
    ...parts,
  };
}

const MODELS: Record<string, Pace> = {
  quick: { firstTokenMs: 120, gapMs: 5, tokens: 400 },
  steady: { firstTokenMs: 450, gapMs: 20, tokens: 200 },
  slow: { firstTokenMs: 2300, gapMs: 125, tokens: 60, countsTokens: false },
};

test.each(Object.entries(MODELS))(
  "%s is measured as its script has it, within a tenth",
  async (model, pace) => {
    const { send, elapsedMs } = pacedProvider(MODELS);
    const { state } = await benchModel(optionsFor(model, { send, elapsedMs }));
    if (state.kind !== "measured") throw new Error(state.kind);
    const { firstTokenMs, tokensPerSecond } = state.result;
    const isWithinATenth = (value: number, scripted: number): boolean =>
      Math.abs(value - scripted) <= scripted / 10;
    expect(isWithinATenth(firstTokenMs.median, pace.firstTokenMs)).toBe(true);
    expect(isWithinATenth(tokensPerSecond?.median ?? 0, 1000 / pace.gapMs)).toBe(true);
    // Only the script moves the clock, so the figures are exact.
    expect(state.result).toMatchObject({
      model: `work/${model}`,
      runs: 3,
      failed: 0,
      firstTokenMs: { median: pace.firstTokenMs, min: pace.firstTokenMs, max: pace.firstTokenMs },
      tokensPerSecond: { median: 1000 / pace.gapMs },
      isEstimated: pace.countsTokens === false,
    });
  },
);

test("keys take turns, each question is a new one, and each step is told", async () => {
  const { send, calls, elapsedMs } = pacedProvider(MODELS);
  const steps: string[] = [];
  const onChange = ({ state }: ModelBench): void => {
    const step = state.kind === "running" ? `${state.run} ${state.keyName}` : state.kind;
    if (steps.at(-1) !== step) steps.push(step);
  };
  await benchModel(optionsFor("quick", { send, elapsedMs, onChange }));
  expect(calls.map(({ secret }) => secret)).toEqual(["secret-a", "secret-b", "secret-a"]);
  expect(new Set(calls.map(({ body }) => JSON.stringify(body["messages"]))).size).toBe(3);
  expect(steps).toEqual(["1 a", "2 b", "3 a", "measured"]);
});

/** Rejects requests with these replies, one after the other, then answers. */
function refusing(replies: readonly Response[]) {
  const paced = pacedProvider(MODELS);
  const left = [...replies];
  const secrets: string[] = [];
  const send: Send = async (call) => {
    secrets.push(call.secret.replace("secret-", ""));
    return left.shift() ?? paced.send(call);
  };
  return { send, secrets, elapsedMs: paced.elapsedMs };
}

const error = (status: number, message: string): Response =>
  Response.json({ error: { message } }, { status });

test.each<[name: string, replies: Response[], asked: string[], runs: number | undefined]>([
  [
    "a key that is refused is left out, and its run is another key's",
    [error(401, "Unauthorized")],
    ["a", "b", "b", "b"],
    3,
  ],
  ["a failure of the moment costs a run", [error(500, "Internal Server Error")], ["a", "b", "a"], 2],
  ["a model that is not there is asked for once", [error(404, 'model "quick" not found')], ["a"], undefined],
  [
    "when every key is refused it is over",
    [error(401, "Unauthorized"), error(401, "Unauthorized")],
    ["a", "b"],
    undefined,
  ],
])("%s", async (_name, replies, asked, runs) => {
  const { send, secrets, elapsedMs } = refusing(replies);
  const bench = await benchModel(optionsFor("quick", { send, elapsedMs }));
  expect(secrets).toEqual(asked);
  expect(bench.refusals).toHaveLength(replies.length);
  if (runs === undefined) expect(bench.state).toEqual({ kind: "failed" });
  else expect(bench.state).toMatchObject({ kind: "measured", result: { runs, failed: replies.length } });
});

test("a service that does not know a field is asked without it, and that is no refusal", async () => {
  const { send, calls, elapsedMs } = pacedProvider(MODELS);
  const picky: Send = async (call) => {
    const reply = await send(call);
    const asksUsage = calls.at(-1)?.body["stream_options"] !== undefined;
    return asksUsage ? error(400, "Unrecognized request argument supplied: stream_options") : reply;
  };
  const bench = await benchModel(optionsFor("quick", { send: picky, elapsedMs, runs: 2 }));
  expect(bench).toMatchObject({ state: { kind: "measured", result: { runs: 2, failed: 0 } }, refusals: [] });
  expect(calls.map(({ body }) => body["stream_options"] !== undefined)).toEqual([true, false, false]);
});

test("what was measured before it was stopped is a result", async () => {
  const { send, elapsedMs } = pacedProvider(MODELS);
  const stop = new AbortController();
  let calls = 0;
  const stopping: Send = async (call) => {
    calls++;
    if (calls === 2) stop.abort();
    return send(call);
  };
  const bench = await benchModel(optionsFor("quick", { send: stopping, elapsedMs, signal: stop.signal }));
  expect(bench.state).toMatchObject({ kind: "measured", result: { runs: 1, failed: 0 } });
  const none = await benchModel(optionsFor("quick", { send, elapsedMs, signal: stop.signal }));
  expect(none.state).toEqual({ kind: "interrupted" });
});
