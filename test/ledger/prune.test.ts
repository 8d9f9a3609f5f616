import { expect, test } from "bun:test";
import { openState } from "../../src/commands/state.ts";
import { pruneRequests, putRecord, readRequests } from "../../src/ledger/request-rows.ts";
import { openInMemory } from "../../src/sqlite/database.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { finished, note, recordOf, stateOptions } from "../store/samples.ts";

const NOW = 1_800_000_000_000;
const DAY = 24 * 60 * 60_000;

test("requests are shown and kept for as many days as asked for", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const first = await openState(stateOptions(file, { nowMs: () => NOW }));
  note(first, finished(recordOf("old", NOW)));
  note(first, finished(recordOf("young", NOW + 2)));
  await first.close();
  const idsOf = async (days: number, nowMs: number): Promise<string[]> => {
    const state = await openState(stateOptions(file, { ledgerDays: days, nowMs: () => nowMs }));
    const ids = state.ledger.requests({ limit: 10 }).map((record) => record.id);
    await state.close();
    return ids;
  };
  expect(await idsOf(7, NOW + 7 * DAY)).toEqual(["young", "old"]);
  expect(await idsOf(7, NOW + 7 * DAY + 1)).toEqual(["young"]);
  expect(await idsOf(30, NOW + 7 * DAY + 1)).toEqual(["young", "old"]);
  // The next run that writes deletes it, with its attempts.
  const second = await openState(stateOptions(file, { nowMs: () => NOW + 7 * DAY + 1 }));
  note(second, finished(recordOf("new", NOW + 7 * DAY + 1)));
  await second.close();
  expect(await idsOf(30, NOW + 7 * DAY + 1)).toEqual(["new", "young"]);
});

test("of the requests as many as asked for are kept, the newest, and none of the attempts of the others", () => {
  using db = openInMemory();
  for (let i = 0; i < 1300; i++) putRecord(db, recordOf(`r${i}`, NOW + i));
  const bounds = { days: 7, rows: 100 };
  // In small batches, so that no single one takes long.
  expect(pruneRequests(db, bounds, NOW + DAY)).toBe(true);
  expect(readRequests(db, { limit: 2000 }).length).toBeGreaterThan(500);
  while (pruneRequests(db, bounds, NOW + DAY));
  const ids = readRequests(db, { limit: 2000 }).map((record) => record.id);
  expect([ids.length, ids[0], ids.at(-1)]).toEqual([100, "r1299", "r1200"]);
  expect(db.query("SELECT count(*) AS count FROM attempts").get()).toEqual({ count: 100 });
});
