import { expect, test } from "bun:test";
import { readLines } from "../../src/cli/keyboard.ts";
import { problemOf } from "../config/temp-folder.ts";

const stream = (...parts: string[]) => new Blob(parts).stream();

test("lines come without blanks, empty ones and the marks of other systems", async () => {
  expect(await readLines(stream("\ufeffone\r\n", "\n  two  ", "\nthr", "ee"))).toEqual([
    "one",
    "two",
    "three",
  ]);
  expect(await readLines(stream())).toEqual([]);
});

test("a stream without end is refused rather than swallowed", async () => {
  const problem = await problemOf(readLines(stream("x".repeat(1024 * 1024 + 1))));
  expect(problem.exit).toBe(2);
});
