import { expect, test } from "bun:test";
import { NEVER_MS } from "../../src/core/routing/rest.ts";
import { putRecord, readRequests } from "../../src/state/ledger.ts";
import { openInMemory } from "../../src/state/open-database.ts";
import { prune } from "../../src/state/prune.ts";
import { changesAfter, putChanges } from "../../src/state/rest-rows.ts";
import { openState } from "../../src/state/store.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { finished, recordOf, restOf, stateOptions } from "./samples.ts";

const NOW = 1_800_000_000_000;
const DAY = 24 * 60 * 60_000;
const HOUR = 60 * 60_000;

test("requests are shown and kept for as many days as asked for", () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const first = openState(stateOptions(file, { nowMs: () => NOW }));
  first.note(finished(recordOf("old", NOW)));
  first.note(finished(recordOf("young", NOW + 2)));
  first.close();
  const idsOf = (days: number, nowMs: number): string[] => {
    const store = openState(stateOptions(file, { ledgerDays: days, nowMs: () => nowMs }));
    const ids = store.requests({ limit: 10 }).map((record) => record.id);
    store.close();
    return ids;
  };
  expect(idsOf(7, NOW + 7 * DAY)).toEqual(["young", "old"]);
  expect(idsOf(7, NOW + 7 * DAY + 1)).toEqual(["young"]);
  expect(idsOf(30, NOW + 7 * DAY + 1)).toEqual(["young", "old"]);
  // The next run that writes deletes it, with its attempts.
  const second = openState(stateOptions(file, { nowMs: () => NOW + 7 * DAY + 1 }));
  second.note(finished(recordOf("new", NOW + 7 * DAY + 1)));
  second.close();
  expect(idsOf(30, NOW + 7 * DAY + 1)).toEqual(["new", "young"]);
});

test("of the requests as many as asked for are kept, the newest, and none of the attempts of the others", () => {
  using db = openInMemory();
  for (let i = 0; i < 1300; i++) putRecord(db, recordOf(`r${i}`, NOW + i));
  const bounds = { days: 7, rows: 100 };
  // A piece at a time, so that no single one takes long.
  expect(prune(db, bounds, NOW + DAY)).toBe(true);
  expect(readRequests(db, { limit: 2000 }).length).toBeGreaterThan(500);
  while (prune(db, bounds, NOW + DAY));
  const ids = readRequests(db, { limit: 2000 }).map((record) => record.id);
  expect([ids.length, ids[0], ids.at(-1)]).toEqual([100, "r1299", "r1200"]);
  expect(db.query("SELECT count(*) AS count FROM attempts").get()).toEqual({ count: 100 });
});

test.each<[name: string, sinceMs: number, untilMs: number | "cleared", isKept: boolean]>([
  ["one that lasts", NOW - DAY, NOW + 1, true],
  ["one without end", NOW - 400 * DAY, NEVER_MS, true],
  ["one that ended within the hour", NOW - DAY, NOW - HOUR, true],
  ["one that ended before", NOW - DAY, NOW - HOUR - 1, false],
  ["a count of failures of this hour", NOW - HOUR, 0, true],
  ["a count of failures from before", NOW - HOUR - 1, 0, false],
  ["a cleared one of today", NOW - DAY, "cleared", true],
  ["a cleared one from before", NOW - DAY - 1, "cleared", false],
])("of the rests, %s", (_name, atMs, untilMs, isKept) => {
  using db = openInMemory();
  const id = "key a";
  putChanges(
    db,
    [
      untilMs === "cleared"
        ? { kind: "cleared", id, atMs }
        : { kind: "rested", id, atMs, rest: restOf(id, atMs, { untilMs }) },
    ],
    { writer: "one", nowMs: NOW },
  );
  prune(db, { days: 7, rows: 100 }, NOW);
  expect(changesAfter(db, 0)).toHaveLength(isKept ? 1 : 0);
});
