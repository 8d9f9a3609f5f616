import { expect, test } from "bun:test";
import { type RunFigures, RunMeter } from "../../../src/core/bench/meter.ts";
import type { Dialect } from "../../../src/core/dialect/registry.ts";

type Script = readonly [atMs: number, ...events: (object | string)[]][];

const START_MS = 5000;

function meterOf(dialect: Dialect, script: Script): RunMeter {
  const meter = new RunMeter(dialect, START_MS);
  for (const [atMs, ...events] of script) {
    const text = events.map((event) =>
      typeof event === "string" ? event : `data: ${JSON.stringify(event)}\n\n`,
    );
    meter.push(new TextEncoder().encode(text.join("")), START_MS + atMs);
  }
  return meter;
}

const delta = (parts: object): object => ({ choices: [{ index: 0, delta: parts }] });
const words = (text: string): object => delta({ content: text });
const role = delta({ role: "assistant", content: "" });
const finish = { choices: [{ index: 0, delta: {}, finish_reason: "length" }] };
const usage = (output: number, reasoning?: number): object => ({
  choices: [],
  usage: {
    prompt_tokens: 9,
    completion_tokens: output,
    ...(reasoning === undefined ? {} : { completion_tokens_details: { reasoning_tokens: reasoning } }),
  },
});
const DONE = "data: [DONE]\n\n";
const KEEP_ALIVE = ": keep-alive\n\n";
const item = (type: string, text: string): object => ({ type, delta: text });
const completed = (output: number, reasoning = 0): object => ({
  type: "response.completed",
  response: {
    usage: { input_tokens: 9, output_tokens: output, output_tokens_details: { reasoning_tokens: reasoning } },
  },
});

test.each<[name: string, dialect: Dialect, script: Script, expected: RunFigures | undefined]>([
  [
    "the role and keep-alives are no token, and the clock of the pace starts behind the first piece",
    "chat",
    [
      [100, role],
      [200, KEEP_ALIVE],
      [400, words("aaaa")],
      [500, words("bbbb")],
      [600, words("cccc"), finish, usage(3), DONE],
    ],
    { firstTokenMs: 400, tokensPerSecond: 10, isEstimated: false },
  ],
  [
    "the provider's count is what counts, however it cuts its pieces",
    "chat",
    [
      [250, words("aa")],
      [1250, words("bbbbbb"), finish],
      [1260, usage(80), DONE],
    ],
    { firstTokenMs: 250, tokensPerSecond: 60, isEstimated: false },
  ],
  [
    "without a count four characters are a token",
    "chat",
    [
      [250, words("a".repeat(40))],
      [1250, words("b".repeat(120)), finish, DONE],
    ],
    { firstTokenMs: 250, tokensPerSecond: 30, isEstimated: true },
  ],
  [
    "a count of nothing is no count",
    "chat",
    [
      [250, words("aaaa")],
      [1250, words("bbbb"), finish, usage(0), DONE],
    ],
    { firstTokenMs: 250, tokensPerSecond: 1, isEstimated: true },
  ],
  [
    "reasoning is the first token, also where it comes under two names",
    "chat",
    [
      [300, delta({ reasoning_content: "hmm ", reasoning: "hmm " })],
      [700, delta({ reasoning: "well" })],
      [800, words("yes!"), finish, usage(30, 20), DONE],
    ],
    { firstTokenMs: 300, tokensPerSecond: 40, isEstimated: false },
  ],
  [
    "what was thought in silence is not counted to the pace of what followed",
    "chat",
    [
      [3000, words("aaaa")],
      [4000, words("bbbbbbbbbbbb"), finish, usage(1000, 960), DONE],
    ],
    { firstTokenMs: 3000, tokensPerSecond: 30, isEstimated: false },
  ],
  [
    "an answer in one piece has no pace",
    "chat",
    [[900, words("aaaa"), words("bbbb"), finish, usage(2), DONE]],
    { firstTokenMs: 900, tokensPerSecond: undefined, isEstimated: false },
  ],
  [
    "nor has one that came out of a buffer",
    "chat",
    [
      [900, words("aaaa")],
      [905, words("bbbb")],
      [910, words("cccc"), finish, usage(3), DONE],
    ],
    { firstTokenMs: 900, tokensPerSecond: undefined, isEstimated: false },
  ],
  [
    "a stream without a token has no figures",
    "chat",
    [
      [100, role],
      [200, finish, DONE],
    ],
    undefined,
  ],
  [
    "the Responses dialect is measured alike",
    "responses",
    [
      [50, { type: "response.created", response: {} }],
      [200, item("response.reasoning_summary_text.delta", "hmmm")],
      [400, item("response.output_text.delta", "aaaa")],
      [600, item("response.output_text.delta", "bbbb"), completed(60, 20)],
    ],
    { firstTokenMs: 200, tokensPerSecond: 100, isEstimated: false },
  ],
])("%s", (_name, dialect, script, expected) => {
  expect(meterOf(dialect, script).figures()).toEqual(expected);
});

test("how an answer stands is known at each moment", () => {
  const meter = new RunMeter("chat", START_MS);
  const push = (event: object | string): boolean => {
    const text = typeof event === "string" ? event : `data: ${JSON.stringify(event)}\n\n`;
    return meter.push(new TextEncoder().encode(text), START_MS + 10);
  };
  expect([push(role), meter.firstTokenMs]).toEqual([false, undefined]);
  expect([push(words("12345678")), meter.firstTokenMs, meter.roughTokens]).toEqual([true, 10, 2]);
  expect([push(finish), meter.isFinished, meter.isDone]).toEqual([false, true, false]);
  push(DONE);
  expect(meter.isDone).toBe(true);
  expect([push(words("more")), meter.roughTokens]).toEqual([false, 2]);
});

test("an error in the stream is told, but not behind a finish", () => {
  const error = { error: { message: "worker died", code: 502 } };
  expect(meterOf("chat", [[1, words("a"), error]]).error).toContain("worker died");
  expect(meterOf("chat", [[1, words("a"), finish, error]]).error).toBeUndefined();
  expect(
    meterOf("responses", [[1, { type: "response.failed", response: { error: { message: "no" } } }]]).error,
  ).toContain("no");
});

test("a last event without its blank line counts, and half an event is nothing", () => {
  const meter = meterOf("chat", [
    [10, words("aaaa")],
    [20, "data: {broken\n\n"],
  ]);
  meter.push(new TextEncoder().encode(`data: ${JSON.stringify(words("bbbb"))}`), START_MS + 30);
  expect(meter.roughTokens).toBe(1);
  meter.end(START_MS + 1010);
  expect(meter.figures()).toEqual({ firstTokenMs: 10, tokensPerSecond: 1, isEstimated: true });
});
