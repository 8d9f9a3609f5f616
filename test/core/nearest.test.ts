import { expect, test } from "bun:test";
import { nearest } from "../../src/core/text.ts";

const WORDS = ["fail_window", "patience", "max_wait", "resume"];

test.each<[word: string, meant: string | undefined]>([
  ["failWindow", "fail_window"],
  ["fail-window", "fail_window"],
  ["pateince", "patience"],
  ["maxwait", "max_wait"],
  ["resum", "resume"],
  ["pat", "patience"],
  ["pa", undefined],
  ["colour", undefined],
  ["", undefined],
])("%p is taken for %p", (word, meant) => {
  expect(nearest(word, WORDS)).toBe(meant);
});
