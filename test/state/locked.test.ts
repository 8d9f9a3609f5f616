import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { openState } from "../../src/state/store.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { noteAndRead, rested, restOf, stateOptions, until } from "./samples.ts";

test("a lock is waited for in silence, said once when it lasts, and what waited is written after it", () => {
  using folder = tempFolder();
  let nowMs = Date.now();
  const options = stateOptions(folder.in("state.db"), { nowMs: () => nowMs });
  const store = openState(options);
  const holder = new Database(options.file);
  holder.run("BEGIN EXCLUSIVE");
  expect(noteAndRead(store)).toEqual([]);
  nowMs += 4000;
  store.flush();
  expect(options.troubles).toEqual([]);
  nowMs += 1000;
  store.flush();
  store.flush();
  expect(options.troubles.map((problem) => problem.code)).toEqual(["state-locked"]);
  holder.run("ROLLBACK");
  holder.close();
  expect(store.requests({ limit: 10 }).map((record) => record.id)).toEqual(["r1"]);
  store.close();
});

test("a lock that is there from the start hides what is known only until it is gone", async () => {
  using folder = tempFolder();
  const options = stateOptions(folder.in("state.db"));
  const before = openState(options);
  before.note(rested(restOf("key known", Date.now())));
  before.close();
  // In this mode the lock keeps readers out, too.
  const holder = new Database(options.file);
  holder.run("PRAGMA journal_mode = DELETE");
  holder.run("BEGIN EXCLUSIVE");
  const store = openState(options);
  expect(store.rests()).toEqual([]);
  const heard: string[] = [];
  store.watch((news) => heard.push(...news.rests.map((rest) => rest.id)));
  expect(noteAndRead(store)).toEqual([]);
  holder.run("ROLLBACK");
  holder.close();
  await until(() => heard.length > 0);
  expect(heard).toEqual(["key known"]);
  expect(store.requests({ limit: 10 }).map((record) => record.id)).toEqual(["r1"]);
  expect(options.troubles).toEqual([]);
  store.close();
});

test("what a lock keeps from being written at the end of a run is said", () => {
  using folder = tempFolder();
  const options = stateOptions(folder.in("state.db"));
  const store = openState(options);
  const holder = new Database(options.file);
  holder.run("BEGIN EXCLUSIVE");
  store.note(rested(restOf("key a", Date.now())));
  store.close();
  holder.close();
  expect(options.troubles.map((problem) => problem.code)).toEqual(["state-locked"]);
});
