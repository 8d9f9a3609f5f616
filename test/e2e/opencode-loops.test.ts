import { beforeAll, expect } from "bun:test";
import type { Call } from "../../src/demo/call.ts";
import type { Reply } from "../../src/demo/reply.ts";
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
import { type OpencodeProgram, testedPrograms, wordsOf } from "./opencode-program.ts";
import {
  count,
  SECOND as LARGER,
  MODEL,
  onStage,
  prompts,
  RUN,
  scenario,
  sceneWithKeys,
} from "./scenario.ts";

/** Far above what any of these runs needs, and below the limit of a test. */
const LIMIT_MS = 120_000;

/** Soft failures are retried this long; the default would make each of these runs much longer. */
const SHORT_WAIT = '[routing]\nmax_wait = "4s"\n';
const HALF_A_MINUTE = '[routing]\nmax_wait = "30s"\n';

/** For runs that wait for the growing cooldowns of their only model. */
const PATIENT_MS = 170_000;

interface Outcome extends BoundedRun {
  /** Every completion request except the title's. */
  calls: Call[];
}

interface RunSceneOptions {
  /** More of config.toml. */
  more?: string;
  limitMs?: number;
}

async function runScene(
  program: OpencodeProgram,
  keys: readonly string[],
  reply: (call: Call) => Reply,
  { more = "", limitMs = LIMIT_MS }: RunSceneOptions = {},
): Promise<Outcome> {
  let outcome: Outcome | undefined;
  await onStage(program, sceneWithKeys(keys, reply), more, async (machine, upstream) => {
    const run = await boundedRun(machine, [...RUN, "say the words"], { limitMs });
    // A run requests one title, which is always answered here.
    expect(upstream.calls.filter((call) => call.isTitle).length).toBeLessThanOrEqual(1);
    outcome = { ...run, calls: prompts(upstream) };
  });
  if (outcome === undefined) throw new Error("the run was not made");
  return outcome;
}

/** The first key that the prompt uses gets the shape, every other key an answer. */
function runWith(
  program: OpencodeProgram,
  shape: Shape,
  keys: readonly string[],
  options: RunSceneOptions = {},
): Promise<Outcome> {
  let spoilt: string | undefined;
  const reply = (call: Call): Reply => {
    // Titles and summaries of a compaction have no tools; only the prompt loops.
    if (call.isTitle || !call.hasTools || call.model === LARGER) return good(call);
    spoilt ??= call.keyName;
    return call.keyName === spoilt ? shape.reply : good(call);
  };
  return runScene(program, keys, reply, options);
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

/** Runs that only wait are started early, so that they wait in parallel with the others. */
function begun<T>(run: (program: OpencodeProgram) => Promise<T>): (program: OpencodeProgram) => Promise<T> {
  const runs = new Map<OpencodeProgram, Promise<T>>();
  beforeAll(() => {
    for (const program of testedPrograms()) {
      const result = run(program);
      // The scenario that awaits it reports the failure.
      result.catch(() => {});
      runs.set(program, result);
    }
  });
  return (program) => runs.get(program) ?? run(program);
}

const overloadedAlone = begun((program) =>
  runWith(program, OVERLOADED, ["one"], { more: HALF_A_MINUTE, limitMs: PATIENT_MS }),
);
const brokenAlone = begun((program) =>
  Promise.all(
    BROKEN.map((shape) => runWith(program, shape, ["one"], { more: SHORT_WAIT, limitMs: PATIENT_MS })),
  ),
);

for (const shape of HEADLESS) {
  scenario(`${shape.name}: one error from the only key`, async (program) => {
    const run = await runWith(program, shape, ["one"], { more: SHORT_WAIT });
    expectOneError(run);
    // The only key is asked again while there is time, with growing pauses.
    expect(run.calls.length).toBeLessThanOrEqual(7);
    // In opencode, and in the terminal behind it.
    expect(run.stderr.match(/ALL KEYS EXHAUSTED!/g)).toHaveLength(2);
  });
}

scenario(
  "a second key saves an agent's whole run, each turn of which is broken at its head in another way",
  async (program) => {
    const turnOf = (call: Call): number => call.body.match(/"role":"tool"/g)?.length ?? 0;
    const keysOfTurn = new Map<number, string[]>();
    const echo = wordsOf(program).shell("echo on");
    const run = await runScene(program, ["one", "two"], (call) => {
      if (call.isTitle) return good(call);
      const keys = keysOfTurn.get(turnOf(call)) ?? [];
      keysOfTurn.set(turnOf(call), [...keys, call.keyName]);
      const shape = HEADLESS[turnOf(call)];
      if (shape === undefined) return good(call);
      return keys.length === 0 ? shape.reply : { kind: "answer", text: "", toolCalls: [echo] };
    });
    // opencode prints its tools to stderr.
    expectAnswer(run);
    const perTurn = HEADLESS.map(({ name }, turn) => [name, new Set(keysOfTurn.get(turn)).size]);
    expect(perTurn).toEqual(HEADLESS.map(({ name }) => [name, 2]));
    // Two calls for each broken turn, one for the last, and no more.
    expect(run.calls.length).toBe(2 * HEADLESS.length + 1);
  },
);

for (const shape of GOOD_ENOUGH) {
  scenario(`${shape.name}: it is an answer, and one call is enough`, async (program) => {
    const run = await runWith(program, shape, ["one", "two"]);
    expectAnswer(run);
    expect(run.calls.length).toBe(1);
  });
}

for (const shape of BROKEN) {
  scenario(`${shape.name}: a second key goes on to the letter`, async (program) => {
    const run = await runWith(program, shape, ["one", "two"]);
    expectAnswer(run);
    expect(run.calls.map((call) => call.nth)).toEqual([1, 1]);
  });
}

for (const shape of TOO_LONG) {
  scenario(
    `${shape.name}: one compaction, then a last word; with a larger model behind it, the answer`,
    async (program) => {
      // Windows that opencode itself accepts: it knows them, too, and compacts before they are full.
      const fallback = [
        `[fallbacks]\n"ollama-cloud/${MODEL}" = ["ollama-cloud/${LARGER}"]`,
        `[[models]]\nid = "ollama-cloud/${MODEL}"\ncontext = 64000\noutput = 4000`,
        `[[models]]\nid = "ollama-cloud/${LARGER}"\ncontext = 256000\noutput = 4000\n`,
      ].join("\n");
      const [alone, helped] = await Promise.all([
        runWith(program, shape, ["one", "two"]),
        runWith(program, shape, ["one"], { more: fallback }),
      ]);
      expect(alone.wasStopped).toBe(false);
      expect(alone.exitCode).toBe(1);
      // No second key is asked for what the first cannot hold. opencode 1 shows both errors, opencode 2 only the first,
      // and it requests no summary of a single prompt.
      if (program.major === 1) expect(count(alone.stderr, "Error: [orouter]")).toBe(1);
      else expect(count(alone.stderr, "Error: ")).toBe(1);
      const asked = program.major === 1 ? [true, false, true] : [true, true];
      expect(alone.calls.map((call) => call.hasTools)).toEqual(asked);
      expectAnswer(helped);
      expect(helped.calls.map((call) => call.model)).toEqual([MODEL, LARGER]);
    },
  );
}

scenario("429 with an hour to wait: nobody waits, with one key or with two", async (program) => {
  const [alone, helped] = await Promise.all([
    runWith(program, HOUR_LONG, ["one"]),
    runWith(program, HOUR_LONG, ["one", "two"]),
  ]);
  expectOneError(alone);
  expect(alone.calls.length).toBe(1);
  expectAnswer(helped);
  expect(helped.calls.length).toBe(2);
});

scenario(
  "503 for ever: the only key is asked at growing distances for half a minute, and no longer",
  async (program) => {
    const run = await overloadedAlone(program);
    expectOneError(run);
    // At least at once and after three growing pauses: as many as fit into `max_wait`.
    expect(run.calls.length).toBeGreaterThanOrEqual(4);
    expect(run.calls.length).toBeLessThanOrEqual(9);
  },
);

scenario(
  "503 for ever on one key only: another is tried before the same one has failed twice",
  async (program) => {
    const run = await runWith(program, OVERLOADED, ["one", "two"]);
    expectAnswer(run);
    expect(run.calls.length).toBeLessThanOrEqual(3);
  },
);

scenario(
  "broken behind the first words with one key alone: one error, and no word is printed twice",
  async (program) => {
    for (const run of await brokenAlone(program)) {
      expect([run.wasStopped, run.exitCode]).toEqual([false, 1]);
      expect(count(run.stderr, "Error: ")).toBe(1);
      // The final error, or the report once a second consecutive request has used up `max_wait`.
      expect(run.stderr).toMatch(/broke off in the middle of its answer|ALL KEYS EXHAUSTED|Cannot reach/);
      expect(run.stderr).not.toMatch(/[{}]/);
      expect(count(run.stdout, "One two")).toBeLessThanOrEqual(1);
      // Each answer is continued while there is time. opencode 1 asks four times in a row, opencode 2 once.
      expect(run.calls.length).toBeLessThanOrEqual((program.major === 1 ? 4 : 1) * 8);
    }
  },
);
