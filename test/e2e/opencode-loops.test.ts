import { beforeAll, expect, test } from "bun:test";
import type { Call } from "../../src/demo/call.ts";
import type { Reply } from "../../src/demo/reply.ts";
import type { Scene } from "../../src/demo/scene.ts";
import { withUpstream } from "../demo/ask.ts";
import { type BoundedRun, boundedRun } from "./bounded-run.ts";
import {
  BROKEN,
  GOOD_ENOUGH,
  good,
  HEADLESS,
  HOUR_LONG,
  OVERLOADED,
  type Shape,
  TOO_LONG,
  WORDS,
} from "./loop-shapes.ts";
import { e2eMachine } from "./machine.ts";

const MODEL = "gpt-oss:120b";
const LARGER = "kimi-k2.6";

/** Far above what any of these runs needs, far below for ever, and below the time a test has. */
const LIMIT_MS = 120_000;

/** For those that wait out the growing rests of their only model. */
const PATIENT_MS = 170_000;

interface Outcome extends BoundedRun {
  /** Every call for an answer but the title's. */
  calls: Call[];
}

interface RunSceneOptions {
  /** More of config.toml. */
  more?: string;
  limitMs?: number;
}

/** One `opencode run` against a scripted provider. */
async function runScene(
  keys: readonly string[],
  reply: (call: Call) => Reply,
  { more = "", limitMs = LIMIT_MS }: RunSceneOptions = {},
): Promise<Outcome> {
  const scene: Scene = {
    name: "shape",
    title: "",
    about: "",
    keys: keys.map((name) => ({ name, secret: `scripted-${name}` })),
    models: [MODEL, LARGER],
    reply,
  };
  let outcome: Outcome | undefined;
  await withUpstream(scene, async (upstream) => {
    using machine = e2eMachine();
    machine.configure(upstream.baseUrl, scene.keys, more);
    const args = ["opencode", "run", "-m", `ollama-cloud/${MODEL}`, "say the words"];
    const run = await boundedRun(machine, args, { limitMs });
    // A title is asked for once in a run, and its answer is always good here.
    expect(upstream.calls.filter((call) => call.isTitle).length).toBeLessThanOrEqual(1);
    expect(machine.leftovers()).toEqual([]);
    // A look at the list of models is not asked for an answer.
    const calls = upstream.calls.filter((call) => call.dialect !== undefined && !call.isTitle);
    outcome = { ...run, calls };
  });
  if (outcome === undefined) throw new Error("the run was not made");
  return outcome;
}

/** The prompt meets the shape on the first key that is asked, and good answers on any other. */
function runWith(shape: Shape, keys: readonly string[], options: RunSceneOptions = {}): Promise<Outcome> {
  let spoilt: string | undefined;
  const reply = (call: Call): Reply => {
    // Titles and summaries of a compaction bring no tools; the loops are the prompt's alone.
    if (call.isTitle || !call.hasTools || call.model === LARGER) return good(call);
    spoilt ??= call.keyName;
    return call.keyName === spoilt ? shape.reply : good(call);
  };
  return runScene(keys, reply, options);
}

function expectAnswer(run: Outcome): void {
  expect({ stdout: run.stdout, exitCode: run.exitCode }).toEqual({ stdout: `${WORDS}\n`, exitCode: 0 });
  expect(run.stderr).not.toContain("Error:");
}

function expectOneError(run: Outcome): void {
  expect(run.wasStopped).toBe(false);
  expect(run.exitCode).toBe(1);
  expect(run.stdout).toBe("");
  expect(run.stderr.match(/Error: /g)).toHaveLength(1);
}

/** Nearly all waiting (for the model's growing rests), so these runs wait beside all the others. */
let brokenAlone: Promise<Outcome[]> = Promise.resolve([]);
let overloadedAlone: Promise<Outcome> | undefined;
beforeAll(() => {
  brokenAlone = Promise.all(BROKEN.map((shape) => runWith(shape, ["one"], { limitMs: PATIENT_MS })));
  overloadedAlone = runWith(OVERLOADED, ["one"], { limitMs: PATIENT_MS });
  // Their failures are said by the tests that wait for them.
  brokenAlone.catch(() => {});
  overloadedAlone.catch(() => {});
});

test.each(HEADLESS.map((shape) => [shape.name, shape] as const))(
  "%s: one error from the only key",
  async (_name, shape) => {
    const run = await runWith(shape, ["one"]);
    expectOneError(run);
    // The only key is asked a second time, then that is that.
    expect(run.calls.length).toBeLessThanOrEqual(2);
    expect(run.stderr.match(/ALL KEYS EXHAUSTED!/g)).toHaveLength(1);
  },
);

test("a second key saves an agent's whole run, each turn of which is broken at its head in another way", async () => {
  const turnOf = (call: Call): number => call.body.match(/"role":"tool"/g)?.length ?? 0;
  const keysOfTurn = new Map<number, string[]>();
  const echo = { name: "bash", arguments: '{"command":"echo on","description":"Go on"}' };
  const run = await runScene(["one", "two"], (call) => {
    if (call.isTitle) return good(call);
    const keys = keysOfTurn.get(turnOf(call)) ?? [];
    keysOfTurn.set(turnOf(call), [...keys, call.keyName]);
    const shape = HEADLESS[turnOf(call)];
    if (shape === undefined) return good(call);
    return keys.length === 0 ? shape.reply : { kind: "answer", text: "", toolCalls: [echo] };
  });
  // What opencode shows of its tools goes to stderr.
  expectAnswer(run);
  const perTurn = HEADLESS.map(({ name }, turn) => [name, new Set(keysOfTurn.get(turn)).size]);
  expect(perTurn).toEqual(HEADLESS.map(({ name }) => [name, 2]));
  // Two calls for each broken turn, one for the last; and not one more.
  expect(run.calls.length).toBe(2 * HEADLESS.length + 1);
});

test.each(GOOD_ENOUGH.map((shape) => [shape.name, shape] as const))(
  "%s: it is an answer, and one call is enough",
  async (_name, shape) => {
    const run = await runWith(shape, ["one", "two"]);
    expectAnswer(run);
    expect(run.calls.length).toBe(1);
  },
);

test.each(BROKEN.map((shape) => [shape.name, shape] as const))(
  "%s: a second key goes on to the letter",
  async (_name, shape) => {
    const run = await runWith(shape, ["one", "two"]);
    expectAnswer(run);
    expect(run.calls.map((call) => call.nth)).toEqual([1, 1]);
  },
);

test.each(TOO_LONG.map((shape) => [shape.name, shape] as const))(
  "%s: one compaction, then a last word; with a larger model behind it, the answer",
  async (_name, shape) => {
    // Windows that opencode itself does not find too small: it knows them, too, and compacts before they are full.
    const fallback = [
      `[fallbacks]\n"ollama-cloud/${MODEL}" = ["ollama-cloud/${LARGER}"]`,
      `[[models]]\nid = "ollama-cloud/${MODEL}"\ncontext = 64000\noutput = 4000`,
      `[[models]]\nid = "ollama-cloud/${LARGER}"\ncontext = 256000\noutput = 4000\n`,
    ].join("\n");
    const [alone, helped] = await Promise.all([
      runWith(shape, ["one", "two"]),
      runWith(shape, ["one"], { more: fallback }),
    ]);
    expect(alone.wasStopped).toBe(false);
    expect(alone.exitCode).toBe(1);
    expect(alone.stderr.match(/Error: \[orouter\]/g)).toHaveLength(1);
    // The prompt, opencode's compaction, and the prompt once more; no second key is asked what the first cannot hold.
    expect(alone.calls.map((call) => call.hasTools)).toEqual([true, false, true]);
    expectAnswer(helped);
    expect(helped.calls.map((call) => call.model)).toEqual([MODEL, LARGER]);
  },
);

test("429 with an hour to wait: nobody waits, with one key or with two", async () => {
  const [alone, helped] = await Promise.all([
    runWith(HOUR_LONG, ["one"]),
    runWith(HOUR_LONG, ["one", "two"]),
  ]);
  expectOneError(alone);
  expect(alone.calls.length).toBe(1);
  expectAnswer(helped);
  expect(helped.calls.length).toBe(2);
});

test("503 for ever: the only key is asked four times within half a minute", async () => {
  const run = (await overloadedAlone) ?? (await runWith(OVERLOADED, ["one"], { limitMs: PATIENT_MS }));
  expectOneError(run);
  // At once, then after rests of 4, 8 and 16 s: all that `max_wait` has room for.
  expect(run.calls.length).toBeLessThanOrEqual(4);
}, 200_000);

test("503 for ever on one key only: another is tried before the same one has failed twice", async () => {
  const run = await runWith(OVERLOADED, ["one", "two"]);
  expectAnswer(run);
  expect(run.calls.length).toBeLessThanOrEqual(3);
}, 200_000);

test("broken behind the first words with one key alone: opencode asks four times, and hears the last word", async () => {
  for (const run of await brokenAlone) {
    expectOneError(run);
    expect(run.stderr).toContain("broke off in the middle of its answer");
    // Four answers in a row may break (answer-stream), each with two attempts at going on behind it.
    expect(run.calls.length).toBeLessThanOrEqual(4 * 3);
  }
}, 200_000);
