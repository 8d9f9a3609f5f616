import { expect, test } from "bun:test";
import { printsAsItGoes } from "../../src/opencode/prints-as-it-goes.ts";

test.each<[words: string[], prints: boolean]>([
  [["run", "say hello"], true],
  [["run", "--format", "json", "hi"], true],
  [["run", "-i"], false],
  [[], false],
  [["-c"], false],
  [["run-this-folder"], false],
])("%j", (words, prints) => {
  expect(printsAsItGoes(words)).toBe(prints);
});
