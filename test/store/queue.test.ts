import { expect, test } from "bun:test";
import { CooldownQueue } from "../../src/store/sqlite/sqlite-store.ts";

function newQueue(): CooldownQueue {
  return new CooldownQueue("one", { keepsHeads: true, secrets: [], nowMs: Date.now });
}

test("of several changes to one cooldown the last one is written", () => {
  const queue = newQueue();
  queue.add({ kind: "cleared", id: "key a", atMs: 1 });
  queue.add({ kind: "cleared", id: "key b", atMs: 2 });
  queue.add({ kind: "cleared", id: "key a", atMs: 3 });
  expect(queue.next().map(({ id, atMs }) => [id, atMs])).toEqual([
    ["key b", 2],
    ["key a", 3],
  ]);
});

test("a change made while a batch is being written stays for the next one", () => {
  const queue = newQueue();
  queue.add({ kind: "cleared", id: "key a", atMs: 1 });
  queue.add({ kind: "cleared", id: "key b", atMs: 1 });
  const batch = queue.next();
  queue.add({ kind: "cleared", id: "key a", atMs: 2 });
  queue.remove(batch, true);
  expect(queue.next().map(({ id, atMs }) => [id, atMs])).toEqual([["key a", 2]]);
});

test("a file that cannot be written for long costs the oldest changes, not the memory", () => {
  const queue = newQueue();
  for (let i = 0; i < 20_000; i++) queue.add({ kind: "cleared", id: `key ${i}`, atMs: i });
  const batch = queue.next();
  expect([batch.length, batch[0]?.id]).toEqual([10_000, "key 10000"]);
});
