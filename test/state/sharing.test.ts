import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import type { RequestRecord } from "../../src/core/routing/request-record.ts";
import type { OthersNews } from "../../src/state/state-store.ts";
import { openState } from "../../src/state/store.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { run } from "./fixtures/run.ts";
import { finished, recordOf, rested, restOf, stateOptions, until } from "./samples.ts";

function newsIn(lines: readonly string[]): OthersNews[] {
  return lines.map((line) => JSON.parse(line) as OthersNews);
}

test("what one process learns the other one hears, rests and their ends", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const store = openState(stateOptions(file));
  const old = restOf("key old", Date.now());
  store.note(rested(old));
  store.flush();
  const watcher = run("watcher.ts", file);
  try {
    await until(() => watcher.lines.length >= 1);
    const dead = restOf("key a", Date.now(), { kind: "auth", strikes: 2 });
    store.note(rested(dead));
    await until(() => watcher.lines.length >= 2);
    store.note({ kind: "cleared", id: "key a" });
    await until(() => watcher.lines.length >= 3);
    expect(newsIn(watcher.lines)).toEqual([
      { rests: [old], cleared: [] },
      { rests: [dead], cleared: [] },
      { rests: [], cleared: ["key a"] },
    ]);
  } finally {
    watcher.kill();
    await watcher.ended;
    store.close();
  }
});

test("a store hears nothing of what it wrote itself, nor twice of the same", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const [one, other] = [openState(stateOptions(file)), openState(stateOptions(file))];
  const heard: OthersNews[] = [];
  one.watch((news) => heard.push(news));
  one.note(rested(restOf("key own", Date.now())));
  one.flush();
  other.note(rested(restOf("key a", Date.now())));
  other.flush();
  await until(() => heard.length >= 1);
  other.note(rested(restOf("key b", Date.now())));
  other.flush();
  await until(() => heard.length >= 2);
  expect(heard.map((news) => news.rests.map((rest) => rest.id))).toEqual([["key a"], ["key b"]]);
  one.close();
  other.close();
});

test("older news from elsewhere does not undo what is noted here and not yet written", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const [one, other] = [openState(stateOptions(file)), openState(stateOptions(file))];
  const now = Date.now();
  const heard: string[] = [];
  one.watch((news) => heard.push(...news.rests.map((rest) => rest.id)));
  // The lock keeps what `one` has learned from being written before it hears of the older news.
  other.note(rested(restOf("key a", now - 1000)));
  other.note(rested(restOf("key b", now - 1000)));
  other.flush();
  using holder = new Database(file);
  holder.run("BEGIN IMMEDIATE");
  one.note(rested(restOf("key a", now)));
  await until(() => heard.length > 0);
  expect(heard).toEqual(["key b"]);
  holder.run("ROLLBACK");
  one.close();
  other.close();
});

test("two processes that write at once lose nothing", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const writers = ["left", "right"].map((name) => run("writer.ts", file, name, "150"));
  expect(await Promise.all(writers.map((writer) => writer.ended))).toEqual([0, 0]);
  const store = openState(stateOptions(file));
  const ids = store.requests({ limit: 1000 }).map((record: RequestRecord) => record.id);
  const expected = ["left", "right"].flatMap((name) => Array.from({ length: 150 }, (_, i) => `${name}-${i}`));
  expect(ids.toSorted()).toEqual(expected.toSorted());
  expect(store.rests().map((rest) => [rest.id, rest.strikes])).toEqual(
    expect.arrayContaining(
      ["left", "right"].flatMap((name) => [0, 1, 2, 3, 4].map((i) => [`key ${name}-${i}`, 145 + i])),
    ),
  );
  store.close();
});

test("a writer killed in the middle leaves a whole file, with each thing once", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const writer = run("writer.ts", file, "killed", "1000000");
  await until(() => writer.lines.length >= 40);
  writer.kill();
  await writer.ended;
  const store = openState(stateOptions(file));
  const ids = store.requests({ limit: 100_000 }).map((record) => record.id);
  store.close();
  expect(new Set(ids).size).toBe(ids.length);
  // What it said was written is there; it may have been killed before it could say so of the last one.
  expect(writer.lines.filter((id) => !ids.includes(id))).toEqual([]);
  using db = new Database(file, { readonly: true });
  expect(db.query("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
  expect(db.query("PRAGMA foreign_key_check").all()).toEqual([]);
});

test("a store follows when another file has taken the name of its own", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const store = openState(stateOptions(file));
  const heard: string[] = [];
  store.watch((news) => heard.push(...news.rests.map((rest) => rest.id)));
  for (const end of ["", "-wal", "-shm"]) rmSync(file + end, { force: true });
  const other = openState(stateOptions(file));
  other.note(rested(restOf("key a", Date.now())));
  other.flush();
  await until(() => heard.length > 0);
  store.note(finished(recordOf("r1", Date.now())));
  store.flush();
  expect(heard).toEqual(["key a"]);
  expect(other.requests({ limit: 1 }).map((record) => record.id)).toEqual(["r1"]);
  store.close();
  other.close();
});
