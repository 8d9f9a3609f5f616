import { expect, test } from "bun:test";
import {
  type BenchResult,
  firstTokenSpread,
  firstTokenText,
  speedSpread,
  speedText,
  spreadOf,
  summarise,
} from "../../../src/core/bench/results.ts";

test.each<[values: number[], expected: [number, number, number] | undefined]>([
  [[], undefined],
  [[7], [7, 7, 7]],
  [
    [30, 10, 20],
    [20, 10, 30],
  ],
  [
    [40, 10, 30, 20],
    [25, 10, 40],
  ],
  [
    [9, 100, 10],
    [10, 9, 100],
  ],
])("the spread of %j", (values, expected) => {
  const spread = spreadOf(values, (value) => value);
  expect(spread && [spread.median, spread.min, spread.max]).toEqual(expected);
});

const SUBJECT = { model: "a/one", atMs: 5, failed: 1 };

test("runs become one result; one without a pace still has its first token", () => {
  const runs = [
    { firstTokenMs: 300.4, tokensPerSecond: 80.04, isEstimated: false },
    { firstTokenMs: 500.6, tokensPerSecond: undefined, isEstimated: false },
    { firstTokenMs: 400, tokensPerSecond: 90.06, isEstimated: true },
  ];
  expect(summarise(SUBJECT, runs)).toEqual({
    ...SUBJECT,
    runs: 3,
    firstTokenMs: { median: 400, min: 300, max: 501 },
    tokensPerSecond: { median: 85.1, min: 80, max: 90.1 },
    isEstimated: true,
  });
});

test("nothing becomes of no run", () => {
  expect(summarise(SUBJECT, [])).toBeUndefined();
});

function resultOf(first: number[], speed: number[] | undefined, isEstimated = false): BenchResult {
  const spread = ([median = 0, min = median, max = median]: number[]) => ({ median, min, max });
  const tokensPerSecond = speed === undefined ? undefined : spread(speed);
  return { ...SUBJECT, runs: 3, firstTokenMs: spread(first), tokensPerSecond, isEstimated };
}

test.each<[result: BenchResult, texts: [string, string, string, string]]>([
  [resultOf([420, 401, 1520], [81.4, 79, 90.6]), ["0.42 s", "0.42 s (0.40–1.52)", "81", "81 (79–91)"]],
  [resultOf([420], [81.4], true), ["0.42 s", "0.42 s", "~81", "~81"]],
  [resultOf([420, 418, 422], [4.25, 4.1, 9.9]), ["0.42 s", "0.42 s", "4.3", "4.3 (4.1–9.9)"]],
  [resultOf([120_000], undefined), ["120 s", "120 s", "—", "—"]],
])("figures in words %#", (result, texts) => {
  expect([firstTokenText(result), firstTokenSpread(result), speedText(result), speedSpread(result)]).toEqual(
    texts,
  );
});
