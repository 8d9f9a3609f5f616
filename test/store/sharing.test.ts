import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { openState } from "../../src/commands/state.ts";
import type { RequestRecord } from "../../src/core/routing/events.ts";
import type { News } from "../../src/store/store.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { run } from "./fixtures/run.ts";
import {
  cooldownOf,
  cooldownStarted,
  finished,
  flush,
  note,
  recordOf,
  stateOptions,
  until,
} from "./samples.ts";

function newsIn(lines: readonly string[]): News[] {
  return lines.map((line) => JSON.parse(line) as News);
}

test("what one process learns the other one hears, rests and their ends", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const state = await openState(stateOptions(file));
  const old = cooldownOf("key old", Date.now());
  note(state, cooldownStarted(old));
  await flush(state);
  const watcher = run("watcher.ts", file);
  try {
    await until(() => watcher.lines.length >= 1);
    const dead = cooldownOf("key a", Date.now(), { kind: "auth", failures: 2 });
    note(state, cooldownStarted(dead));
    await until(() => watcher.lines.length >= 2);
    note(state, { kind: "cleared", id: "key a" });
    await until(() => watcher.lines.length >= 3);
    expect(newsIn(watcher.lines)).toEqual([
      { set: [old], cleared: [] },
      { set: [dead], cleared: [] },
      { set: [], cleared: ["key a"] },
    ]);
  } finally {
    watcher.kill();
    await watcher.ended;
    await state.close();
  }
});

test("a store hears nothing of what it wrote itself, nor twice of the same", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const [one, other] = [await openState(stateOptions(file)), await openState(stateOptions(file))];
  const heard: News[] = [];
  one.store.watch((news) => heard.push(news));
  note(one, cooldownStarted(cooldownOf("key own", Date.now())));
  await flush(one);
  note(other, cooldownStarted(cooldownOf("key a", Date.now())));
  await flush(other);
  await until(() => heard.length >= 1);
  note(other, cooldownStarted(cooldownOf("key b", Date.now())));
  await flush(other);
  await until(() => heard.length >= 2);
  expect(heard.map((news) => news.set.map((rest) => rest.id))).toEqual([["key a"], ["key b"]]);
  await one.close();
  await other.close();
});

test("older news from elsewhere does not undo what is noted here and not yet written", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const [one, other] = [await openState(stateOptions(file)), await openState(stateOptions(file))];
  const now = Date.now();
  const heard: string[] = [];
  one.store.watch((news) => heard.push(...news.set.map((rest) => rest.id)));
  // The lock delays the change of `one` until it hears of the older one.
  note(other, cooldownStarted(cooldownOf("key a", now - 1000)));
  note(other, cooldownStarted(cooldownOf("key b", now - 1000)));
  await flush(other);
  using holder = new Database(file);
  holder.run("BEGIN IMMEDIATE");
  note(one, cooldownStarted(cooldownOf("key a", now)));
  await until(() => heard.length > 0);
  expect(heard).toEqual(["key b"]);
  holder.run("ROLLBACK");
  await one.close();
  await other.close();
});

test("two processes that write at once lose nothing", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const writers = ["left", "right"].map((name) => run("writer.ts", file, name, "150"));
  expect(await Promise.all(writers.map((writer) => writer.ended))).toEqual([0, 0]);
  const state = await openState(stateOptions(file));
  const ids = state.ledger.requests({ limit: 1000 }).map((record: RequestRecord) => record.id);
  const expected = ["left", "right"].flatMap((name) => Array.from({ length: 150 }, (_, i) => `${name}-${i}`));
  expect(ids.toSorted()).toEqual(expected.toSorted());
  expect((await state.store.cooldowns.all()).map((rest) => [rest.id, rest.failures])).toEqual(
    expect.arrayContaining(
      ["left", "right"].flatMap((name) => [0, 1, 2, 3, 4].map((i) => [`key ${name}-${i}`, 145 + i])),
    ),
  );
  await state.close();
});

test("a writer killed in the middle leaves a whole file, with each thing once", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const writer = run("writer.ts", file, "killed", "1000000");
  await until(() => writer.lines.length >= 40);
  writer.kill();
  await writer.ended;
  const state = await openState(stateOptions(file));
  const ids = state.ledger.requests({ limit: 100_000 }).map((record) => record.id);
  await state.close();
  expect(new Set(ids).size).toBe(ids.length);
  // All confirmed writes are there; the process may have been killed before it confirmed the last one.
  expect(writer.lines.filter((id) => !ids.includes(id))).toEqual([]);
  using db = new Database(file, { readonly: true });
  expect(db.query("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
  expect(db.query("PRAGMA foreign_key_check").all()).toEqual([]);
});

test("a store follows when another file has taken the name of its own", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const state = await openState(stateOptions(file));
  const heard: string[] = [];
  state.store.watch((news) => heard.push(...news.set.map((rest) => rest.id)));
  for (const end of ["", "-wal", "-shm"]) rmSync(file + end, { force: true });
  const other = await openState(stateOptions(file));
  note(other, cooldownStarted(cooldownOf("key a", Date.now())));
  await flush(other);
  await until(() => heard.length > 0);
  note(state, finished(recordOf("r1", Date.now())));
  await flush(state);
  expect(heard).toEqual(["key a"]);
  expect(other.ledger.requests({ limit: 1 }).map((record) => record.id)).toEqual(["r1"]);
  await state.close();
  await other.close();
});
