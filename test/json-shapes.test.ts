import { afterAll, beforeAll, expect, test } from "bun:test";
import * as v from "valibot";
import { JSON_SHAPES } from "../scripts/json-shapes/json-shapes.ts";
import type { Command } from "../src/cli/command.ts";
import { rootCommand } from "../src/commands/root.ts";
import { openState } from "../src/commands/state.ts";
import { fingerprint } from "../src/core/key.ts";
import { answer, subscriptionRequired } from "../src/demo/reply.ts";
import type { Scene } from "../src/demo/scenes.ts";
import { startUpstream, type Upstream } from "../src/demo/upstream.ts";
import { keysToml, tempMachine } from "./commands/orouter.ts";
import {
  attemptOf,
  cooldownOf,
  cooldownStarted,
  finished,
  note,
  recordOf,
  stateOptions,
} from "./store/samples.ts";

const SCENE: Scene = {
  name: "shapes",
  title: "",
  about: "",
  keys: [
    { name: "work", secret: "secret-of-work" },
    { name: "home", secret: "secret-of-home" },
  ],
  models: ["big", "small"],
  reply: (call) =>
    call.keyName === "home" && call.model === "big"
      ? subscriptionRequired()
      : answer(call, "One answer of more than just a few words, so that there is something to measure."),
};

const CONFIG = (baseUrl: string) => `
[models_dev]
enabled = false
[providers.acme]
base_url = "${baseUrl}"
models = ["big", "small"]
[chains]
coding = ["acme/big", "acme/small"]
[fallbacks]
"acme/small" = ["coding"]
[[models]]
match = "/big/"
context = 100000
[[rules]]
text = "pool is drained"
verdict = "overloaded"
`;

const IMPORT = {
  keys: [{ key: "secret-of-another", name: "another", enabled: true }],
  settings: { maxRetries: 2 },
};

let upstream: Upstream;
let machine: ReturnType<typeof tempMachine>;
const ENV = { ACME_SPARE: "secret-of-spare" };

beforeAll(async () => {
  upstream = await startUpstream(SCENE);
  machine = tempMachine();
  await machine.write("config.toml", CONFIG(upstream.baseUrl));
  const entry = (name: string) => ({ provider: "acme", name, value: `secret-of-${name}` });
  const spare = { provider: "acme", name: "spare", env: "ACME_SPARE" };
  await machine.write("keys.toml", keysToml(entry("work"), entry("home"), spare));
  await machine.write("import.json", JSON.stringify(IMPORT));
  const nowMs = Date.now();
  const state = await openState(stateOptions(machine.file("state.db")));
  note(state, cooldownStarted(cooldownOf(`key ${fingerprint("secret-of-spare")}`, nowMs)));
  const attempts = [
    attemptOf(nowMs, { model: "acme/big", verdict: "subscription", status: 403 }),
    attemptOf(nowMs, { model: "acme/big" }),
  ];
  note(state, finished(recordOf("r1", nowMs, { asked: "orouter/coding", served: "acme/big", attempts })));
  note(state, finished(recordOf("r2", nowMs, { outcome: "client-gone", attempts: [] })));
  await state.close();
});

afterAll(async () => {
  machine[Symbol.dispose]();
  await upstream.stop();
});

/** A command, and the lists in its output that must not be empty. */
interface Run {
  call: string;
  words: readonly string[];
  full?: readonly string[];
  /** The highest exit code: doctor may find problems on this machine. */
  worstExit?: number;
}

const RUNS: readonly Run[] = [
  { call: "keys --json", words: ["keys", "--json"], full: ["keys"] },
  { call: "keys list --json", words: ["keys", "list", "--json"], full: ["keys"] },
  { call: "keys test --json", words: ["keys", "test", "--json"], full: ["keys"], worstExit: 1 },
  {
    call: "keys test --models chains|all --json",
    words: ["keys", "test", "--models", "chains", "--yes", "--json"],
    full: ["models"],
    worstExit: 1,
  },
  { call: "keys export", words: ["keys", "export"], full: ["keys"] },
  { call: "simulate --json", words: ["simulate", "--json"] },
  { call: "quota --json", words: ["quota", "--json"], full: ["keys"] },
  { call: "keys strategy --json", words: ["keys", "strategy", "--json"] },
  { call: "models --json", words: ["models", "--json"], full: ["models", "providers"] },
  { call: "models list --json", words: ["models", "list", "--json"], full: ["models", "providers"] },
  { call: "models info MODEL --json", words: ["models", "info", "orouter/coding", "--json"] },
  { call: "models refresh --json", words: ["models", "refresh", "--json"], full: ["providers"] },
  { call: "chain test CHAIN|MODEL --json", words: ["chain", "test", "coding", "--json"], full: ["attempts"] },
  { call: "bench --json", words: ["bench", "coding", "--runs", "1", "--json"] },
  { call: "chain --json", words: ["chain", "--json"], full: ["chains", "fallbacks"] },
  { call: "chain list --json", words: ["chain", "list", "--json"], full: ["chains", "fallbacks"] },
  { call: "doctor --json", words: ["doctor", "--json"], full: ["checks"], worstExit: 1 },
  { call: "config path --json", words: ["config", "path", "--json"] },
  { call: "config show --json", words: ["config", "show", "--json"], full: ["models", "rules"] },
  { call: "config get SETTING --json", words: ["config", "get", "chains", "--json"] },
  { call: "config check --json", words: ["config", "check", "--json"] },
  { call: "clients add NAME --json", words: ["clients", "add", "laptop", "--json"] },
  { call: "clients list --json", words: ["clients", "list", "--json"], full: ["clients"] },
  { call: "demo --list --json", words: ["demo", "--list", "--json"], full: ["scenes"] },
  { call: "models clear-cache --json", words: ["models", "clear-cache", "--json"] },
];

function parseAs(call: string, value: unknown): unknown {
  const shape = JSON_SHAPES.find(({ calls }) => calls.includes(call));
  if (shape === undefined) throw new Error(`${call} is not documented`);
  const { issues = [] } = v.safeParse(shape.schema, value);
  expect(issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`)).toEqual([]);
  return value;
}

test.each(RUNS.map((run) => [run.call, run] as const))("%s has its documented shape", async (call, run) => {
  const { stdout, stderr, exitCode } = await machine.run(run.words, { env: ENV });
  expect(exitCode, stderr).toBeLessThanOrEqual(run.worstExit ?? 0);
  const value = parseAs(call, JSON.parse(stdout)) as Record<string, unknown[]>;
  for (const list of run.full ?? []) expect(value[list]?.length, list).toBeGreaterThan(0);
  expect(stdout + stderr).not.toContain("secret-of-");
});

test("keys import --json has its documented shape", async () => {
  using other = tempMachine();
  await other.write("import.json", JSON.stringify(IMPORT));
  const run = await other.run(["keys", "import", other.file("import.json"), "--json"]);
  expect(run).toMatchObject({ exitCode: 0 });
  const { sources } = parseAs("keys import --json", JSON.parse(run.stdout)) as { sources: unknown[] };
  expect(sources.length).toBeGreaterThan(0);
});

test("logs --json has its documented shape, line by line", async () => {
  const { stdout } = await machine.run(["logs", "--json"]);
  const lines = stdout.trimEnd().split("\n");
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) parseAs("logs --json", JSON.parse(line));
});

/** The first line of a command that keeps running, and the result of `during` in the meantime. */
async function firstLine(words: readonly string[], during: () => Promise<void> = async () => {}) {
  const child = Bun.spawn(machine.command(words), {
    env: { ...machine.env, ...ENV },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  const { value } = await child.stdout.getReader().read();
  await during();
  child.kill("SIGINT");
  expect(await child.exited).toBe(0);
  return JSON.parse(new TextDecoder().decode(value)) as unknown;
}

test("serve --json and status --json have their documented shapes", async () => {
  const line = await firstLine(["serve", "--json"], async () => {
    const { stdout } = await machine.run(["status", "--json"], { env: ENV });
    const value = parseAs("status --json", JSON.parse(stdout)) as Record<string, unknown[]>;
    for (const list of ["runs", "keys", "cooldowns", "chains", "requests"])
      expect(value[list]?.length, list).toBeGreaterThan(0);
  });
  parseAs("serve --json", line);
});

test("demo --serve --json has its documented shape", async () => {
  parseAs("demo --serve --json", await firstLine(["demo", "--serve", "--json"]));
});

async function callsWithJson(command: Command, path: readonly string[]): Promise<string[]> {
  const below = await Promise.all(
    Object.entries(command.children).map(async ([name, { load }]) =>
      callsWithJson(await load(), [...path, name]),
    ),
  );
  return [...("json" in command.args ? [path.join(" ")] : []), ...below.flat()];
}

test("every command with --json is documented, and every documented one is there", async () => {
  // Words in capitals and further flags stand for the user's values.
  const documented = JSON_SHAPES.flatMap(({ calls }) => calls)
    .filter((call) => call.endsWith(" --json"))
    .map((call) => call.replace(/ (?:--|[A-Z]).*$/, ""));
  expect(new Set(documented)).toEqual(new Set(await callsWithJson(rootCommand, [])));
});
