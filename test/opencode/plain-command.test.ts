import { expect, test } from "bun:test";
import { isPlainCommand } from "../../src/opencode/plain-command.ts";

test.each<[words: string[], plain: boolean]>([
  [[], false],
  [["run", "hi"], false],
  [["--version"], true],
  [["-h"], true],
  [["auth", "login"], true],
  [["run", "--help"], true],
  [["run", "what does --help do", "--help"], false],
  [["run", "--", "--help"], false],
  [["serve"], false],
  [["./project"], false],
])("%p calls no model: %p", (words, plain) => {
  expect(isPlainCommand(words)).toBe(plain);
});
