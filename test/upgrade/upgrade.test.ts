import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openState } from "../../src/commands/state.ts";
import { loadKeyEntries } from "../../src/config/keys-file.ts";
import { loadConfig } from "../../src/config/load.ts";
import { targetOf } from "../../src/core/routing/cooldown.ts";
import { tempMachine } from "../commands/orouter.ts";
import { namesIn, tempFolder } from "../config/temp-folder.ts";
import { cooldownOf, cooldownStarted, flush, note, stateOptions } from "../store/samples.ts";

/**
 * Files written by orouter 0.1.0 (2cb778e) with made-up keys: `keys add`, `chain add`, `config set`, requests through
 * `serve` to a scripted provider that fails in several ways, `keys reset`, `bench`.
 */
const RELEASE = join(import.meta.dir, "release-0.1.0");

/** Shortly after the last file was written. */
const NOW = 1_796_079_400_000;

/** Every setting of that release in config.toml, with a non-default value. */
const EVERY_SETTING = join(import.meta.dir, "every-setting-0.1.0.toml");

function released(): { machine: ReturnType<typeof tempMachine> } & Disposable {
  const machine = tempMachine();
  cpSync(RELEASE, machine.file("."), { recursive: true });
  return { machine, [Symbol.dispose]: () => machine[Symbol.dispose]() };
}

test("the cooldowns of the last release are taken over, as guesses, with their parties in fields", async () => {
  using folder = tempFolder();
  cpSync(join(RELEASE, "state.db"), folder.in("state.db"));
  const options = stateOptions(folder.in("state.db"), { nowMs: () => NOW });
  const state = await openState(options);
  const key = { provider: "", fingerprint: "bf089d7cb23a" };
  const kept = { failures: 1, isDeclared: false };
  const cooldowns = await state.store.cooldowns.all();
  expect(cooldowns.toSorted((a, b) => a.id.localeCompare(b.id))).toMatchObject([
    { ...targetOf.key(key), ...kept, kind: "auth", status: 401, message: "Invalid API key" },
    {
      ...targetOf.lane("f9ccd3cf8953", { provider: "work", model: "paid" }),
      ...kept,
      kind: "subscription",
      sinceMs: 1_796_079_381_504,
      untilMs: 1_796_097_381_504,
    },
    { ...targetOf.model({ provider: "work", model: "gone" }), ...kept, kind: "model-not-found" },
    { ...targetOf.provider("walled"), ...kept, kind: "forbidden" },
  ]);
  // A cleared cooldown stays known as cleared, so that older changes cannot restore it.
  note(state, cooldownStarted(cooldownOf("key f9ccd3cf8953", 1_796_079_370_000)));
  await state.close();
  const again = await openState(options);
  expect((await again.store.cooldowns.all()).map(({ id }) => id)).not.toContain("key f9ccd3cf8953");
  await again.close();
  expect(options.troubles).toEqual([]);
  expect(namesIn(folder.path)).toEqual(["state.db"]);
});

test("its requests and benchmark results are taken over", async () => {
  using folder = tempFolder();
  cpSync(join(RELEASE, "state.db"), folder.in("state.db"));
  const state = await openState(stateOptions(folder.in("state.db"), { nowMs: () => NOW }));
  expect(state.ledger.requests({ limit: 20 }).map(({ asked, outcome }) => [asked, outcome])).toEqual([
    ["work/paid", "exhausted"],
    ["work/paid", "exhausted"],
    ["work/limited", "exhausted"],
    ["orouter/coding", "served"],
    ["walled/large", "exhausted"],
    ["work/gone", "exhausted"],
    ["work/paid", "exhausted"],
    ["work/large", "served"],
    ["work/large", "served"],
  ]);
  expect(
    state.ledger.usageSince(0).map(({ keyName, requests, refusals }) => [keyName, requests, refusals]),
  ).toEqual([
    ["main", 3, 4],
    ["dead", 0, 1],
    ["key-1", 0, 1],
  ]);
  expect(state.ledger.benches().map(({ model }) => model)).toEqual(["work/large"]);
  await state.close();
});

test("a state.db from before there were benchmarks is taken over, too", async () => {
  using folder = tempFolder();
  cpSync(join(RELEASE, "state.db"), folder.in("state.db"));
  using db = new Database(folder.in("state.db"));
  db.run("DROP TABLE benches");
  db.run("PRAGMA user_version = 1");
  db.close();
  const options = stateOptions(folder.in("state.db"), { nowMs: () => NOW });
  const state = await openState(options);
  await flush(state);
  expect(await state.store.cooldowns.all()).toHaveLength(4);
  expect(state.ledger.benches()).toEqual([]);
  await state.close();
  expect(options.troubles).toEqual([]);
});

test("config.toml and keys.toml of the last release are read without a complaint", async () => {
  using files = released();
  const { machine } = files;
  const paths = { configFile: machine.file("config.toml"), keysFile: machine.file("keys.toml") };
  const { settings, warnings } = await loadConfig(paths);
  expect(warnings).toEqual([]);
  expect(settings.theme).toBe("nord");
  expect(settings.chains).toEqual({ coding: ["work/large", "walled/large"] });
  expect(settings.routing).toMatchObject({ strategy: "round-robin", patienceMs: 2000, maxWaitMs: 20_000 });
  const { entries } = await loadKeyEntries(paths);
  expect(entries.map(({ provider, name, enabled }) => `${provider}/${name} ${enabled}`)).toEqual([
    "work/main true",
    "work/dead true",
    "walled/key-1 true",
  ]);
});

test("every setting of the last release is still allowed", async () => {
  const paths = { configFile: EVERY_SETTING };
  expect((await loadConfig(paths)).warnings).toEqual([]);
});

test("commands of this version change those files and keep what is in them", async () => {
  using files = released();
  const { machine } = files;
  const before = await machine.read("config.toml");
  for (const words of [
    ["config", "set", "theme", "dracula"],
    ["keys", "rename", "work/main", "first"],
    ["config", "check"],
  ]) {
    const run = await machine.run(words);
    expect({ words, exitCode: run.exitCode, said: run.exitCode === 0 ? "" : run.stderr }).toEqual({
      words,
      exitCode: 0,
      said: "",
    });
  }
  expect(await machine.read("config.toml")).toBe(before.replace("nord", "dracula"));
  expect(await machine.read("keys.toml")).toBe(
    readFileSync(join(RELEASE, "keys.toml"), "utf8").replace('"main"', '"first"'),
  );
});
