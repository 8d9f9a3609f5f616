import { expect, test } from "bun:test";
import { Pending } from "../../src/state/pending.ts";
import { recordOf } from "./samples.ts";

test("of several changes to one party the last one is written", () => {
  const pending = new Pending();
  pending.addChange({ kind: "cleared", id: "key a", atMs: 1 });
  pending.addChange({ kind: "cleared", id: "key b", atMs: 2 });
  pending.addChange({ kind: "cleared", id: "key a", atMs: 3 });
  expect(pending.nextBatch().changes.map(({ id, atMs }) => [id, atMs])).toEqual([
    ["key b", 2],
    ["key a", 3],
  ]);
});

test("what is noted while a batch is being written waits for the next one", () => {
  const pending = new Pending();
  pending.addChange({ kind: "cleared", id: "key a", atMs: 1 });
  pending.addRecord(recordOf("r1", 1));
  const batch = pending.nextBatch();
  pending.addChange({ kind: "cleared", id: "key a", atMs: 2 });
  pending.addRecord(recordOf("r2", 2));
  pending.written(batch);
  expect(pending.changedAtMs("key a")).toBe(2);
  expect(pending.nextBatch().records.map((record) => record.id)).toEqual(["r2"]);
});

test("a file that cannot be written for long costs the oldest, not the memory", () => {
  const pending = new Pending();
  for (let i = 0; i < 20_000; i++) {
    pending.addRecord(recordOf(`r${i}`, i));
    pending.addChange({ kind: "cleared", id: `key ${i}`, atMs: i });
  }
  const { changes } = pending.nextBatch();
  expect([changes.length, changes[0]?.id]).toEqual([10_000, "key 10000"]);
  const ids: string[] = [];
  while (!pending.isEmpty) {
    const batch = pending.nextBatch();
    ids.push(...batch.records.map((record) => record.id));
    pending.written(batch);
  }
  expect(ids.length).toBeLessThanOrEqual(4000);
  expect(ids.at(-1)).toBe("r19999");
});
