import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import type { BenchResult } from "../../src/core/bench/results.ts";
import { openState } from "../../src/state/store.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { finished, recordOf, stateOptions } from "./samples.ts";

const NOW = 1_800_000_000_000;
const DAY = 24 * 60 * 60_000;

function resultOf(model: string, atMs: number, parts: Partial<BenchResult> = {}): BenchResult {
  return {
    model,
    atMs,
    runs: 3,
    failed: 0,
    firstTokenMs: { median: 420.5, min: 400, max: 515.25 },
    tokensPerSecond: { median: 81.5, min: 79, max: 90 },
    isEstimated: false,
    ...parts,
  };
}

test("of each model the last result is kept, as it was given", () => {
  using folder = tempFolder();
  const options = stateOptions(folder.in("state.db"), { nowMs: () => NOW });
  const store = openState(options);
  store.saveBench(resultOf("b/two", NOW - 2, { tokensPerSecond: undefined, isEstimated: true, failed: 1 }));
  store.saveBench(resultOf("a/one", NOW - 2));
  store.saveBench(resultOf("a/one", NOW - 1, { runs: 5 }));
  const expected = [
    resultOf("a/one", NOW - 1, { runs: 5 }),
    resultOf("b/two", NOW - 2, { tokensPerSecond: undefined, isEstimated: true, failed: 1 }),
  ];
  expect(store.benches()).toEqual(expected);
  store.close();
  const next = openState(options);
  expect(next.benches()).toEqual(expected);
  // Another terminal that measured before and writes later has nothing new to say.
  next.saveBench(resultOf("a/one", NOW - 3));
  expect(next.benches()).toEqual(expected);
  next.close();
  expect(options.troubles).toEqual([]);
});

test("what was measured a quarter of a year ago is shown no more, and deleted by the next run that writes", () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const store = openState(stateOptions(file, { nowMs: () => NOW }));
  store.saveBench(resultOf("a/old", NOW));
  store.saveBench(resultOf("a/young", NOW + DAY));
  store.close();
  const later = openState(stateOptions(file, { nowMs: () => NOW + 90 * DAY + 1 }));
  expect(later.benches().map(({ model }) => model)).toEqual(["a/young"]);
  later.note(finished(recordOf("r1", NOW + 90 * DAY)));
  later.close();
  using db = new Database(file, { readonly: true });
  expect(db.query("SELECT model FROM benches").all()).toEqual([{ model: "a/young" }]);
});

test("a file from before there were benchmarks gets the table, and keeps its requests", () => {
  using folder = tempFolder();
  const options = stateOptions(folder.in("state.db"));
  const first = openState(options);
  first.note(finished(recordOf("r1", Date.now())));
  first.close();
  const db = new Database(options.file);
  db.run("DROP TABLE benches");
  db.run("ALTER TABLE rests DROP COLUMN is_declared");
  db.run("PRAGMA user_version = 1");
  db.close();
  const store = openState(options);
  expect(store.benches()).toEqual([]);
  const result = resultOf("a/one", Date.now());
  store.saveBench(result);
  expect(store.benches()).toEqual([result]);
  expect(store.requests({ limit: 10 }).map(({ id }) => id)).toEqual(["r1"]);
  store.close();
  expect(options.troubles).toEqual([]);
});

test("a secret in the name of a model is not written", () => {
  using folder = tempFolder();
  const secret = "sk-bench-0123456789abcdef";
  const store = openState(stateOptions(folder.in("state.db"), { secrets: [secret] }));
  store.saveBench(resultOf(`a/${secret}`, Date.now()));
  expect(store.benches().map(({ model }) => model)).toEqual(["a/[redacted]"]);
  store.close();
});
