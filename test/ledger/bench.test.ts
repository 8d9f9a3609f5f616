import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { openState } from "../../src/commands/state.ts";
import type { BenchResult } from "../../src/core/bench/results.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { finished, note, recordOf, stateOptions } from "../store/samples.ts";

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

test("of each model the last result is kept, as it was given", async () => {
  using folder = tempFolder();
  const options = stateOptions(folder.in("state.db"), { nowMs: () => NOW });
  const state = await openState(options);
  state.ledger.saveBench(
    resultOf("b/two", NOW - 2, { tokensPerSecond: undefined, isEstimated: true, failed: 1 }),
  );
  state.ledger.saveBench(resultOf("a/one", NOW - 2));
  state.ledger.saveBench(resultOf("a/one", NOW - 1, { runs: 5 }));
  const expected = [
    resultOf("a/one", NOW - 1, { runs: 5 }),
    resultOf("b/two", NOW - 2, { tokensPerSecond: undefined, isEstimated: true, failed: 1 }),
  ];
  expect(state.ledger.benches()).toEqual(expected);
  await state.close();
  const next = await openState(options);
  expect(next.ledger.benches()).toEqual(expected);
  // Another process measured before but writes later: its result is older.
  next.ledger.saveBench(resultOf("a/one", NOW - 3));
  expect(next.ledger.benches()).toEqual(expected);
  await next.close();
  expect(options.troubles).toEqual([]);
});

test("what was measured a quarter of a year ago is shown no more, and deleted by the next run that writes", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const state = await openState(stateOptions(file, { nowMs: () => NOW }));
  state.ledger.saveBench(resultOf("a/old", NOW));
  state.ledger.saveBench(resultOf("a/young", NOW + DAY));
  await state.close();
  const later = await openState(stateOptions(file, { nowMs: () => NOW + 90 * DAY + 1 }));
  expect(later.ledger.benches().map(({ model }) => model)).toEqual(["a/young"]);
  note(later, finished(recordOf("r1", NOW + 90 * DAY)));
  await later.close();
  using db = new Database(file, { readonly: true });
  expect(db.query("SELECT model FROM benches").all()).toEqual([{ model: "a/young" }]);
});

test("a secret in the name of a model is not written", async () => {
  using folder = tempFolder();
  const secret = "sk-bench-0123456789abcdef";
  const state = await openState(stateOptions(folder.in("state.db"), { secrets: [secret] }));
  state.ledger.saveBench(resultOf(`a/${secret}`, Date.now()));
  expect(state.ledger.benches().map(({ model }) => model)).toEqual(["a/[redacted]"]);
  await state.close();
});
