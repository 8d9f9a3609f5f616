import { expect, test } from "bun:test";
import fc from "fast-check";
import { hangingLines, wrapText } from "../../src/cli/text.ts";

test("no word is lost or cut, and no line of several words is too long", () => {
  const word = fc.stringMatching(/^[a-z日]{1,40}$/);
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), fc.integer({ min: 24, max: 90 }), (words, width) => {
      const lines = wrapText(words.join(" "), width);
      expect(lines.join(" ").split(" ")).toEqual(words);
      for (const line of lines.filter((one) => one.includes(" ")))
        expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
    }),
  );
});

test("what stands in front does so once, and the text stands under itself", () => {
  expect(hangingLines("ok   ", "one two three four five six seven", 33)).toEqual([
    "ok   one two three four five six",
    "     seven",
  ]);
  expect(hangingLines("ok   ", "one two", Number.POSITIVE_INFINITY)).toEqual(["ok   one two"]);
});

test("where there is no room beside what stands in front, the text goes below it", () => {
  const front = "11-21 15:20:49  ok          158 ms  ";
  const model = "orouter/coding → ollama-cloud/gpt-oss:120b";
  expect(hangingLines(front, model, 40)).toEqual([
    "11-21 15:20:49  ok          158 ms",
    "    orouter/coding →",
    "    ollama-cloud/gpt-oss:120b",
  ]);
  expect(hangingLines(front, "tiny", 40)).toEqual([`${front}tiny`]);
});
