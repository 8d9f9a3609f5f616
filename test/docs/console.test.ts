import { expect, test } from "bun:test";
import { commandsOf, isAsShown } from "./console.ts";

test("a sample is read as commands with what they print", () => {
  expect(commandsOf('$ one \\\n    --more\nfirst\n\nsecond\n$ two "a $ b"\n')).toEqual([
    { line: "one \\\n    --more", printed: "first\n\nsecond\n" },
    { line: 'two "a $ b"', printed: "" },
  ]);
  expect(() => commandsOf("one\n")).toThrow("begins with");
});

test.each<[what: string, printed: string, shown: string, figuresVary: boolean, expected: boolean]>([
  ["the same", "a (b)\n", "a (b)\n", false, true],
  ["another word", "a (b)", "a (c)", false, false],
  ["a line too few", "a\nb", "a", false, false],
  ["a line too many on the page", "a", "a\nb", false, false],
  ["blanks at a line's end", "a  \nb", "a\nb", false, true],
  ["… for a word", "until 14:05.", "until ….", false, true],
  ["… for nothing, with the blank in front of it", "89\nb", "89 …\nb", false, true],
  ["… for a range of figures", "89 (80–95)\nb", "90 …\nb", true, true],
  ["… not for the end of a word", "coding", "cod …", false, false],
  ["… for lines", "a\nb\nc\nd", "a\n…\nd", false, true],
  ["… for anything, but not for what follows", "a\nb\nc", "a\n…\nd", false, false],
  ["another figure", "in 3 s", "in 4 s", false, false],
  ["another figure where they vary", "in 13.5 s", "in 4 s", true, true],
  [
    "another unit of time where they vary",
    "rests 1 d 3 h, after 1.0 s",
    "rests 5 h, after 71 ms",
    true,
    true,
  ],
  ["another unit of time where they do not", "after 1.0 s", "after 1 ms", false, false],
  ["no unit of time where there is to be one", "after 71 lines", "after 71 ms", true, false],
  ["no figure where they vary", "in some s", "in 4 s", true, false],
  ["wider columns where figures vary", "m1    7", "m1  1234", true, true],
  ["narrower ones where they do not", "m1 7", "m1  7", false, false],
  ["letters where figures vary", "key-1 is dead", "key-2 is ready", true, false],
])("%s", (_what, printed, shown, figuresVary, expected) => {
  expect(isAsShown(printed, shown, { figuresVary })).toBe(expected);
});
