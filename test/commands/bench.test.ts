import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { openState, type State } from "../../src/commands/state.ts";
import type { BenchResult } from "../../src/core/bench/results.ts";
import { fingerprint } from "../../src/core/key.ts";
import { modelMissing, type Reply, subscriptionRequired } from "../../src/demo/reply.ts";
import type { Scene } from "../../src/demo/scenes.ts";
import { startUpstream } from "../../src/demo/upstream.ts";
import { openTerminal } from "../e2e/terminal.ts";
import { cooldownOf, cooldownStarted, note, stateOptions } from "../store/samples.ts";
import { keysToml, tempMachine } from "./orouter.ts";

const KEYS = [
  { name: "work", secret: "secret-of-work" },
  { name: "home", secret: "secret-of-home" },
];
const TEXT = Array.from({ length: 11 }, (_, at) => `word${at} `);

const REPLIES: Record<string, Reply> = {
  quick: { kind: "answer", text: TEXT, chunkEveryMs: 25 },
  uncounted: { kind: "answer", text: TEXT, chunkEveryMs: 25, usage: null },
  "plan/only": subscriptionRequired(),
  endless: { kind: "hang" },
};

const scene: Scene = {
  name: "bench",
  title: "",
  about: "",
  keys: KEYS,
  models: [],
  reply: (call) => REPLIES[call.model] ?? modelMissing(call.model),
};

const CONFIG = '[chains]\ncoding = ["work/quick", "work/uncounted"]\n[fallbacks]\n"*" = ["work/plan/only"]\n';

async function benchMachine(config = CONFIG) {
  const upstream = await startUpstream(scene);
  const machine = tempMachine();
  const provider = `[providers.work]\nbase_url = "${upstream.baseUrl}"\nmodels = ["quick"]\n`;
  await machine.write("config.toml", `[models_dev]\nenabled = false\n${provider}${config}`);
  await machine.write(
    "keys.toml",
    keysToml(...KEYS.map(({ name, secret }) => ({ provider: "work", name, value: secret }))),
  );
  const withState = async <T>(work: (state: State) => T): Promise<T> => {
    const state = await openState(stateOptions(machine.file("state.db")));
    const value = work(state);
    await state.close();
    return value;
  };
  return {
    ...machine,
    upstream,
    withState,
    kept: (): Promise<BenchResult[]> => withState(({ ledger }) => ledger.benches()),
    asked: (): string[] => upstream.calls.map((call) => `${call.model} ${call.keyName}`),
    [Symbol.asyncDispose]: async () => {
      await upstream.stop();
      machine[Symbol.dispose]();
    },
  };
}

const number = expect.any(Number);
const spread = { median: number, min: number, max: number };

test("--json is an array with a result for each model, and what was measured is kept", async () => {
  await using machine = await benchMachine();
  const run = await machine.run([
    "bench",
    "work/quick",
    "work/plan/only",
    "work/uncounted",
    "--runs",
    "2",
    "--json",
  ]);
  expect([run.exitCode, run.stderr]).toEqual([
    0,
    expect.stringContaining("3 models: 6 requests of up to 1024 tokens"),
  ]);
  const refused = {
    verdict: "subscription",
    status: 403,
    message: expect.stringContaining("requires a subscription"),
  };
  const none = { why: null, failed: 0, refusals: [], skippedKeys: [] };
  const measured = {
    outcome: "measured",
    atMs: number,
    runs: 2,
    firstTokenMs: spread,
    tokensPerSecond: spread,
  };
  expect(JSON.parse(run.stdout)).toEqual([
    { ...none, ...measured, model: "work/quick", isEstimated: false },
    {
      ...none,
      model: "work/plan/only",
      outcome: "failed",
      atMs: null,
      runs: 0,
      failed: 2,
      firstTokenMs: null,
      tokensPerSecond: null,
      isEstimated: false,
      refusals: ["home", "work"].map((key) => ({ key, ...refused })),
    },
    { ...none, ...measured, model: "work/uncounted", isEstimated: true },
  ]);
  expect((await machine.kept()).map(({ model, runs }) => [model, runs])).toEqual([
    ["work/quick", 2],
    ["work/uncounted", 2],
  ]);
  // The second model starts with the other key.
  expect(machine.asked()).toEqual([
    "quick work",
    "quick home",
    "plan/only home",
    "plan/only work",
    "uncounted work",
    "uncounted home",
  ]);
});

test("status tells what was measured, the last one first", async () => {
  await using machine = await benchMachine();
  await machine.run(["bench", "coding", "--runs", "1"]);
  const [text, json] = [await machine.run(["status"]), await machine.run(["status", "--json"])];
  expect(text.stdout).toMatch(
    /^SPEED +FIRST TOKEN +TOKENS\/S +MEASURED\nwork\/uncounted +\d\.\d\d s +~\d+ +\d+ s ago\nwork\/quick +\d\.\d\d s +\d+ +\d+ s ago$/m,
  );
  const { benches } = JSON.parse(json.stdout) as { benches: { model: string }[] };
  expect(benches).toEqual(
    (await machine.kept()).map((result) => ({ ...result, tokensPerSecond: result.tokensPerSecond ?? null })),
  );
});

test("without a name the models of chains and fallbacks are measured, and a pipe gets the table alone", async () => {
  await using machine = await benchMachine();
  const run = await machine.run(["bench", "--runs", "1"]);
  expect(run.exitCode).toBe(0);
  expect(run.stderr).toContain("3 models of your chains and fallbacks: 3 requests");
  expect(run.stderr).toContain("2/3 work/uncounted: run 1 of 1 with home");
  expect(run.stderr).toContain(
    "work/plan/only with work, home: not in the plan (403, this model requires a subscription",
  );
  expect(run.stderr).toContain("estimated as four characters per token");
  const [head, ...rows] = run.stdout.trimEnd().split("\n");
  expect(head).toMatch(/^MODEL +RUNS +FIRST TOKEN +TOKENS\/S +NOTE$/);
  expect(rows).toEqual([
    expect.stringMatching(/^work\/quick +1\/1 +\d\.\d\d s +\d+$/),
    expect.stringMatching(/^work\/uncounted +1\/1 +\d\.\d\d s +~\d+$/),
    expect.stringMatching(/^work\/plan\/only +0\/1 +— +— +not in the plan$/),
  ]);
});

test.each([["coding"], ["orouter/coding"]])("%s is measured by its models", async (name) => {
  await using machine = await benchMachine();
  const run = await machine.run(["bench", name, "work/quick", "--runs", "1", "--json"]);
  const results = JSON.parse(run.stdout) as { model: string }[];
  expect(results.map(({ model }) => model)).toEqual(["work/quick", "work/uncounted"]);
});

test("where there is no chain a few models of each provider are measured, and named before", async () => {
  await using machine = await benchMachine("");
  const run = await machine.run(["bench", "--runs", "1"]);
  expect(run.stderr).toContain("1 model to begin with (work/quick): 1 request of up to 1024 tokens.");
  expect(run.exitCode).toBe(0);
});

test("keys that cool down are skipped, with the reason", async () => {
  await using machine = await benchMachine();
  await machine.withState((state) =>
    note(state, cooldownStarted(cooldownOf(`key ${fingerprint("secret-of-home")}`, Date.now()))),
  );
  const one = await machine.run(["bench", "work/quick", "--runs", "2"]);
  expect(one.stderr).toMatch(/work\/quick: skipped home, cooling down until .*: plan limit used up/);
  expect(machine.asked()).toEqual(["quick work", "quick work"]);
  await machine.withState((state) =>
    note(state, cooldownStarted(cooldownOf(`key ${fingerprint("secret-of-work")}`, Date.now()))),
  );
  const both = await machine.run(["bench", "work/quick", "--json"]);
  expect(both.exitCode).toBe(4);
  expect(JSON.parse(both.stdout)).toMatchObject([
    { outcome: "skipped", why: "no key is ready", skippedKeys: [{ key: "work" }, { key: "home" }] },
  ]);
  expect(machine.upstream.calls).toHaveLength(2);
});

test.each<[name: string, words: string[], exitCode: number, said: string]>([
  ["a chain that is not there", ["orouter/codng"], 2, "Did you mean coding?"],
  ["a provider that is not there", ["wrok/quick"], 2, "Did you mean work?"],
  ["a model that is not there", ["work/nothing"], 1, "no such model"],
  ["no number of runs", ["work/quick", "--runs", "0"], 2, "--runs must be a number from 1 to 20"],
  ["all and one of them", ["work/quick", "--all"], 2, "not both"],
  ["a chart that is not an SVG", ["work/quick", "--save-chart", "speed.png"], 2, "should end in .svg"],
  [
    "a folder that is not there",
    ["work/quick", "--save-chart", "nowhere/speed.svg"],
    2,
    "for the chart does not exist",
  ],
])("%s is told", async (_name, words, exitCode, said) => {
  await using machine = await benchMachine();
  const run = await machine.run(["bench", ...words, ...(words.includes("--runs") ? [] : ["--runs", "1"])]);
  expect(run.exitCode).toBe(exitCode);
  expect(run.stdout + run.stderr).toContain(said);
});

test("without any key nothing is sent", async () => {
  using machine = tempMachine();
  const run = await machine.run(["bench", "ollama-cloud/gpt-oss:20b"]);
  expect([run.exitCode, run.stdout]).toEqual([4, ""]);
  expect(existsSync(machine.file("state.db"))).toBe(false);
});

test("the chart is written as a picture, and over another one, but over nothing else", async () => {
  await using machine = await benchMachine();
  const file = machine.folder.in("speed.svg");
  const draw = () => machine.run(["bench", "work/quick", "--runs", "1", "--save-chart", file]);
  const first = await draw();
  expect(first.stderr).toContain(`The chart is in ${file}.`);
  expect(await Bun.file(file).text()).toContain(">work/quick</text>");
  expect((await draw()).exitCode).toBe(0);
  writeFileSync(file, "my notes");
  const calls = machine.upstream.calls.length;
  const refused = await draw();
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain("is not an SVG");
  expect(await Bun.file(file).text()).toBe("my notes");
  expect(machine.upstream.calls).toHaveLength(calls);
});

test("where nothing is listed there is nothing to measure", async () => {
  using machine = tempMachine();
  await machine.write(
    "config.toml",
    '[models_dev]\nenabled = false\n[providers.work]\nbase_url = "http://127.0.0.1:9/v1"\n',
  );
  for (const words of [["bench"], ["bench", "--all"]]) {
    const run = await machine.run(words);
    expect([run.exitCode, run.stdout]).toEqual([2, ""]);
    expect(run.stderr).toContain("No model to measure.");
  }
});

test("--all measures what is listed", async () => {
  await using machine = await benchMachine();
  const run = await machine.run(["bench", "--all", "--runs", "1", "--json"]);
  expect(run.stderr).toContain("all that are listed");
  const results = JSON.parse(run.stdout) as { model: string }[];
  expect(results.map(({ model }) => model)).toEqual(["work/quick"]);
});

test("Ctrl-C keeps what is done and leaves with 130", async () => {
  await using machine = await benchMachine();
  const child = Bun.spawn(
    machine.command(["bench", "work/quick", "work/endless", "work/uncounted", "--runs", "1"]),
    {
      env: machine.env,
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  while (!machine.asked().some((call) => call.startsWith("endless"))) await Bun.sleep(5);
  child.kill("SIGINT");
  const stdout = await child.stdout.text();
  expect(await child.exited).toBe(130);
  expect(stdout).toMatch(
    /^work\/quick +1\/1 .*\nwork\/endless +0\/1 .* stopped\nwork\/uncounted +0\/1 .* stopped$/m,
  );
  expect((await machine.kept()).map(({ model }) => model)).toEqual(["work/quick"]);
});

test("a terminal sees how far it is, then the table and the bars, and Ctrl-C there is the same", async () => {
  await using machine = await benchMachine();
  const size = { cols: 80, rows: 24 };
  const env = { ...machine.env, TERM: "xterm-256color" };
  const words = ["bench", "coding", "work/endless", "--runs", "1"];
  const { child, sees, type, text, forget } = openTerminal(
    machine.command(words),
    machine.folder.path,
    env,
    size,
  );
  await sees("work/endless 0/1 — — work: silent for");
  expect(text()).toContain("work/quick 1/1");
  forget();
  type("\x03");
  expect(await child.exited).toBe(130);
  child.terminal?.close();
  expect(text()).toContain("work/endless 0/1 — — stopped");
  expect(text()).toMatch(/Time to first token \(shorter is better\) work\/quick [█▏▎▍▌▋▊▉]+ \d\.\d\d s/);
  expect(text()).toMatch(
    /Tokens per second \(longer is better\) work\/quick [█▏▎▍▌▋▊▉]+ \d+ work\/uncounted [█▏▎▍▌▋▊▉]+ ~\d+/,
  );
});

test("in a terminal --all asks first, and a no sends nothing", async () => {
  await using machine = await benchMachine();
  const env = { ...machine.env, TERM: "xterm-256color" };
  const { child, sees, type } = openTerminal(machine.command(["bench", "--all"]), machine.folder.path, env);
  await sees("Measure them all?");
  type("\r");
  await sees("Nothing was measured.");
  expect(await child.exited).toBe(1);
  child.terminal?.close();
  expect(machine.asked().filter((call) => !call.startsWith(" "))).toEqual([]);
});
