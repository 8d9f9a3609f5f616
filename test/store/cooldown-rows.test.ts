import { expect, test } from "bun:test";
import fc from "fast-check";
import { NEVER_MS } from "../../src/core/routing/cooldown.ts";
import { openInMemory } from "../../src/sqlite/database.ts";
import {
  changesAfter,
  NewsReader,
  pruneCooldowns,
  putChanges,
} from "../../src/store/sqlite/cooldown-rows.ts";
import type { CooldownChange } from "../../src/store/store.ts";
import { cooldownOf } from "./samples.ts";

function changeOf(id: string, atMs: number, isCleared: boolean): CooldownChange {
  return isCleared
    ? { kind: "cleared", id, atMs }
    : { kind: "set", id, atMs, cooldown: cooldownOf(id, atMs, { failures: atMs }) };
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
  const cooldown = cooldownOf("key a", 1, { isDeclared });
  putChanges(db, [{ kind: "set", id: "key a", atMs: 1, cooldown }], { writer: "one", nowMs: 1 });
  expect(changesAfter(db, 0).map(({ change }) => change)).toMatchObject([{ cooldown }]);
});

test("who asks after each write hears of every change that holds, in the end", () => {
  fc.assert(
    fc.property(anyChanges, fc.array(fc.boolean()), (list, asks) => {
      using db = openInMemory();
      const heard = new Map<string, CooldownChange>();
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
  db.run("UPDATE cooldowns SET kind = 'struck-by-lightning'");
  expect(changesAfter(db, 0).map(({ change }) => change.kind)).toEqual(["cleared"]);
});

test("while nobody else writes no table is read", () => {
  using db = openInMemory();
  const news = new NewsReader();
  putChanges(db, [changeOf("key a", 1, false)], { writer: "other", nowMs: 1 });
  expect(news.read(db, 1)).toHaveLength(1);
  // Any read of the table would fail now.
  db.run("ALTER TABLE cooldowns RENAME TO elsewhere");
  expect(news.read(db, 1)).toEqual([]);
  expect(() => news.read(db, 2)).toThrow("cooldowns");
});

const NOW = 1_800_000_000_000;
const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

test.each<[name: string, sinceMs: number, untilMs: number | "cleared", isKept: boolean]>([
  ["one that lasts", NOW - DAY, NOW + 1, true],
  ["one without end", NOW - 400 * DAY, NEVER_MS, true],
  ["one that ended within the hour", NOW - DAY, NOW - HOUR, true],
  ["one that ended before", NOW - DAY, NOW - HOUR - 1, false],
  ["a count of failures of this hour", NOW - HOUR, 0, true],
  ["a count of failures from before", NOW - HOUR - 1, 0, false],
  ["a cleared one of today", NOW - DAY, "cleared", true],
  ["a cleared one from before", NOW - DAY - 1, "cleared", false],
])("of the cooldowns, %s", (_name, atMs, untilMs, isKept) => {
  using db = openInMemory();
  const id = "key a";
  putChanges(
    db,
    [
      untilMs === "cleared"
        ? { kind: "cleared", id, atMs }
        : { kind: "set", id, atMs, cooldown: cooldownOf(id, atMs, { untilMs }) },
    ],
    { writer: "one", nowMs: NOW },
  );
  pruneCooldowns(db, NOW);
  expect(changesAfter(db, 0)).toHaveLength(isKept ? 1 : 0);
});
