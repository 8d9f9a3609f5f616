import { expect, test } from "bun:test";
import fc from "fast-check";
import { PasteJoiner } from "../../src/cli/keyboard.ts";

const typed = (...chunks: string[]): string => {
  const joiner = new PasteJoiner();
  return chunks.map((chunk) => joiner.push(chunk)).join("");
};

test.each<[name: string, chunks: string[], expected: string]>([
  ["a typed key and Enter", ["a", "b", "\r"], "ab\r"],
  ["Ctrl-C", ["\x03"], "\x03"],
  ["a lone Escape", ["\x1b"], "\x1b"],
  ["an arrow key", ["\x1b[D"], "\x1b[D"],
  ["a line feed for Enter", ["ab\n"], "ab\r"],
  ["a marked paste of several lines waits for Enter", ["\x1b[200~a\nb\r\nc\n\x1b[201~", "\r"], "a b c \r"],
  ["a marked paste that comes in pieces", ["\x1b[200~a\n", "b\n", "\x1b[201~"], "a b "],
  ["a mark cut in two", ["\x1b[20", "0~a\nb\x1b[2", "01~"], "a b"],
  ["one marked paste after the other", ["\x1b[200~a\x1b[201~", "\x1b[200~b\x1b[201~", "\r"], "a b\r"],
  ["an unmarked paste of several lines", ["a\nb\nc\n"], "a b c\r"],
])("%s", (_name, chunks, expected) => {
  expect(typed(...chunks)).toBe(expected);
});

test("a marked paste comes out whole, wherever the chunks are cut", () => {
  const key = fc.stringMatching(/^[a-z0-9-]{1,12}$/);
  const cuts = fc.array(fc.nat(200), { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(key, { minLength: 1, maxLength: 5 }), cuts, (keys, places) => {
      const text = `\x1b[200~${keys.join("\n")}\x1b[201~`;
      // A terminal never pauses after the first Escape: a lone Escape is a key.
      const safe = [...new Set(places)]
        .filter((at) => at < text.length && text[at - 1] !== "\x1b")
        .sort((a, b) => a - b);
      const chunks = [0, ...safe].map((at, index, all) => text.slice(at, all[index + 1]));
      const line = typed(...chunks)
        .split(/\s+/)
        .filter(Boolean);
      expect(line).toEqual(keys);
    }),
  );
});
