import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatDuration, parseDuration } from "../../src/core/text.ts";

test.each<[text: string, ms: number | undefined]>([
  ["60s", 60_000],
  ["5h", 18_000_000],
  ["250ms", 250],
  ["1h30m", 5_400_000],
  ["1h 30m", 5_400_000],
  ["1.5s", 1500],
  ["2d", 172_800_000],
  ["1m500ms", 60_500],
  ["0s", 0],
  ["", undefined],
  ["5", undefined],
  ["-5s", undefined],
  ["5 hours", undefined],
  ["30m1h", undefined],
  ["1h1h", undefined],
  ["1e3s", undefined],
  ["99999999999999d", undefined],
])("%p is read as %p milliseconds", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each<[ms: number, text: string]>([
  [11_520_000, "3 h 12 m"],
  [45_000, "45 s"],
  [250, "250 ms"],
  [0, "0 s"],
  [-5, "0 s"],
  [59_600, "1 m"],
  [60_000, "1 m"],
  [3_599_999, "1 h"],
  [90_000, "1 m 30 s"],
  [187_200_000, "2 d 4 h"],
  [999.7, "1 s"],
  [86_399_999, "1 d"],
])("%p milliseconds are written as %p", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test("what is written for people is a duration that can be read, within one unit", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 20 * 86_400_000 }), (ms) => {
      const read = parseDuration(formatDuration(ms)) ?? Number.NaN;
      expect(Math.abs(read - ms)).toBeLessThanOrEqual(Math.max(500, ms / 24));
    }),
  );
});
