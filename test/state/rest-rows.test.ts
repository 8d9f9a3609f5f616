import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import fc from "fast-check";
import { News } from "../../src/state/news.ts";
import { openInMemory } from "../../src/state/open-database.ts";
import type { RestChange } from "../../src/state/rest-change.ts";
import { changesAfter, putChanges } from "../../src/state/rest-rows.ts";
import { openState } from "../../src/state/store.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { rested, restOf, stateOptions } from "./samples.ts";

function changeOf(id: string, atMs: number, isCleared: boolean): RestChange {
  return isCleared
    ? { kind: "cleared", id, atMs }
    : { kind: "rested", id, atMs, rest: restOf(id, atMs, { strikes: atMs }) };
}

const anyChanges = fc
  .uniqueArray(
    fc.record({
      id: fc.constantFrom("key a", "key b", "model c"),
      atMs: fc.nat(1000),
      isCleared: fc.boolean(),
      writer: fc.constantFrom("one", "other"),
    }),
    { selector: (one) => one.atMs, maxLength: 20 },
  )
  .map((list) => list.map((one) => ({ ...one, change: changeOf(one.id, one.atMs, one.isCleared) })));

test("in whatever order changes are written, the youngest of each party holds", () => {
  fc.assert(
    fc.property(anyChanges, (list) => {
      using db = openInMemory();
      for (const { change, writer } of list) putChanges(db, [change], { writer, nowMs: 1000 });
      const youngest = new Map(
        list.toSorted((a, b) => a.atMs - b.atMs).map(({ id, change }) => [id, change]),
      );
      const kept = changesAfter(db, 0).map(({ change }) => change);
      expect(new Map(kept.map((change) => [change.id, change]))).toEqual(youngest);
    }),
  );
});

test.each([true, false])("whether an end was declared (%p) is kept", (isDeclared) => {
  using db = openInMemory();
  const rest = restOf("key a", 1, { isDeclared });
  putChanges(db, [{ kind: "rested", id: "key a", atMs: 1, rest }], { writer: "one", nowMs: 1 });
  expect(changesAfter(db, 0).map(({ change }) => change)).toMatchObject([{ rest }]);
});

test("a file from before declared ends were told apart keeps its rests, as guesses", () => {
  using folder = tempFolder();
  const options = stateOptions(folder.in("state.db"));
  const rest = restOf("key a", Date.now(), { isDeclared: true });
  const first = openState(options);
  first.note(rested(rest));
  first.close();
  const db = new Database(options.file);
  db.run("ALTER TABLE rests DROP COLUMN is_declared");
  db.run("PRAGMA user_version = 2");
  db.close();
  const store = openState(options);
  expect(store.rests()).toEqual([{ ...rest, isDeclared: false }]);
  store.close();
  expect(options.troubles).toEqual([]);
});

test("who asks after each write hears of every change that holds, in the end", () => {
  fc.assert(
    fc.property(anyChanges, fc.array(fc.boolean()), (list, asks) => {
      using db = openInMemory();
      const heard = new Map<string, RestChange>();
      let revision = 0;
      const ask = (): void => {
        for (const row of changesAfter(db, revision)) {
          heard.set(row.change.id, row.change);
          revision = row.revision;
        }
      };
      for (const [i, { change, writer }] of list.entries()) {
        putChanges(db, [change], { writer, nowMs: 1000 });
        if (asks[i] === true) ask();
      }
      ask();
      const kept = changesAfter(db, 0).map(({ change }) => change);
      expect(heard).toEqual(new Map(kept.map((change) => [change.id, change])));
    }),
  );
});

test("a word that only another orouter knows leaves the party free", () => {
  using db = openInMemory();
  putChanges(db, [changeOf("key a", 1, false)], { writer: "one", nowMs: 1 });
  db.run("UPDATE rests SET kind = 'struck-by-lightning'");
  expect(changesAfter(db, 0).map(({ change }) => change.kind)).toEqual(["cleared"]);
});

test("while nobody else writes no table is read", () => {
  using db = openInMemory();
  const news = new News("one");
  putChanges(db, [changeOf("key a", 1, false)], { writer: "other", nowMs: 1 });
  expect(news.read(db, 1)).toHaveLength(1);
  // A read of the table would now fail.
  db.run("ALTER TABLE rests RENAME TO elsewhere");
  expect(news.read(db, 1)).toEqual([]);
  expect(() => news.read(db, 2)).toThrow("rests");
});
