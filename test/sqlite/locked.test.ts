import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { openState } from "../../src/commands/state.ts";
import { tempFolder } from "../config/temp-folder.ts";
import {
  cooldownOf,
  cooldownStarted,
  flush,
  note,
  noteAndRead,
  stateOptions,
  until,
} from "../store/samples.ts";

test("a lock is waited for in silence, said once when it lasts, and what waited is written after it", async () => {
  using folder = tempFolder();
  let nowMs = Date.now();
  const options = stateOptions(folder.in("state.db"), { nowMs: () => nowMs });
  const state = await openState(options);
  const holder = new Database(options.file);
  holder.run("BEGIN EXCLUSIVE");
  expect(await noteAndRead(state)).toEqual([]);
  nowMs += 4000;
  await flush(state);
  expect(options.troubles).toEqual([]);
  nowMs += 1000;
  await flush(state);
  await flush(state);
  expect(options.troubles.map((problem) => problem.code)).toEqual(["state-locked"]);
  holder.run("ROLLBACK");
  holder.close();
  expect(state.ledger.requests({ limit: 10 }).map((record) => record.id)).toEqual(["r1"]);
  await state.close();
});

test("a lock that is there from the start hides what is known only until it is gone", async () => {
  using folder = tempFolder();
  const options = stateOptions(folder.in("state.db"));
  const before = await openState(options);
  note(before, cooldownStarted(cooldownOf("key known", Date.now())));
  await before.close();
  // In this mode the lock blocks readers, too.
  const holder = new Database(options.file);
  holder.run("PRAGMA journal_mode = DELETE");
  holder.run("BEGIN EXCLUSIVE");
  const state = await openState(options);
  expect(await state.store.cooldowns.all()).toEqual([]);
  const heard: string[] = [];
  state.store.watch((news) => heard.push(...news.set.map((rest) => rest.id)));
  expect(await noteAndRead(state)).toEqual([]);
  holder.run("ROLLBACK");
  holder.close();
  await until(() => heard.length > 0);
  expect(heard).toEqual(["key known"]);
  expect(state.ledger.requests({ limit: 10 }).map((record) => record.id)).toEqual(["r1"]);
  expect(options.troubles).toEqual([]);
  await state.close();
});

test("what a lock keeps from being written at the end of a run is said", async () => {
  using folder = tempFolder();
  const options = stateOptions(folder.in("state.db"));
  const state = await openState(options);
  const holder = new Database(options.file);
  holder.run("BEGIN EXCLUSIVE");
  note(state, cooldownStarted(cooldownOf("key a", Date.now())));
  await state.close();
  holder.close();
  expect(options.troubles.map((problem) => problem.code)).toEqual(["state-locked"]);
});
