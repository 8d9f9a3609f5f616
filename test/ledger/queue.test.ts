import { expect, test } from "bun:test";
import { LedgerQueue } from "../../src/ledger/ledger.ts";
import { recordOf } from "../store/samples.ts";

const OPTIONS = {
  keep: { days: 7, rows: 1000 },
  keepsRequests: true,
  keepsHeads: true,
  secrets: [],
  nowMs: Date.now,
};

test("requests that arrive while a batch is being written wait for the next one", () => {
  const queue = new LedgerQueue(OPTIONS);
  queue.addRecord(recordOf("r1", 1));
  const batch = queue.next();
  queue.addRecord(recordOf("r2", 2));
  queue.remove(batch, true);
  expect(queue.next().records.map((record) => record.id)).toEqual(["r2"]);
});

test("a file that cannot be written for long costs the oldest requests, not the memory", () => {
  const queue = new LedgerQueue(OPTIONS);
  for (let i = 0; i < 20_000; i++) queue.addRecord(recordOf(`r${i}`, i));
  const ids: string[] = [];
  while (!queue.isEmpty) {
    const batch = queue.next();
    ids.push(...batch.records.map((record) => record.id));
    queue.remove(batch, true);
  }
  expect(ids.length).toBeLessThanOrEqual(4000);
  expect(ids.at(-1)).toBe("r19999");
});
