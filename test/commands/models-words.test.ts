import { expect, test } from "bun:test";
import { costText, tokenText } from "../../src/commands/models/models-list.ts";

test.each<[tokens: number | undefined, text: string]>([
  [undefined, "-"],
  [7, "7"],
  [4096, "4k"],
  [8192, "8k"],
  [2500, "2.5k"],
  [32_768, "32k"],
  [128_000, "128k"],
  [131_072, "128k"],
  [200_000, "200k"],
  [204_800, "200k"],
  [202_752, "198k"],
  [976_000, "976k"],
  [1_000_000, "1M"],
  [1_048_576, "1M"],
  [1_050_000, "1.05M"],
  [10_000_000, "10M"],
])("%p tokens are %s", (tokens, text) => {
  expect(tokenText(tokens)).toBe(text);
});

test.each<[input: number, output: number, text: string]>([
  [0, 0, "free"],
  [0.15, 0.6, "$0.15 / $0.6"],
  [3, 15, "$3 / $15"],
  [0, 1, "$0 / $1"],
])("%p in and %p out cost %s", (input, output, text) => {
  expect(costText({ input, output, cacheRead: undefined, cacheWrite: undefined })).toBe(text);
});

test("a cost that nobody knows is no nought", () => {
  expect(costText(undefined)).toBe("-");
});
