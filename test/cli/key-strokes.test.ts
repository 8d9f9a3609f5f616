import { expect, test } from "bun:test";
import { keyStrokes } from "../../src/cli/keyboard.ts";

test.each<[name: string, text: string, strokes: string[]]>([
  ["letters", "añ名", ["a", "ñ", "名"]],
  ["a character of two halves", "🙂x", ["🙂", "x"]],
  ["Enter and Ctrl-C", "\r\x03", ["\r", "\x03"]],
  ["arrows", "\x1b[B\x1bOA\r", ["\x1b[B", "\x1bOA", "\r"]],
  ["a key with a modifier", "\x1b[1;5C\x1b[3~x", ["\x1b[1;5C", "\x1b[3~", "x"]],
  ["Alt with a letter", "\x1bb\x1b\x7f", ["\x1bb", "\x1b\x7f"]],
  ["Escape twice", "\x1b\x1b", ["\x1b", "\x1b"]],
  ["Escape, then an arrow", "\x1b\x1b[B", ["\x1b", "\x1b[B"]],
  ["Escape, then Enter", "\x1b\r", ["\x1b", "\r"]],
])("%s", (_name, text, strokes) => {
  expect(keyStrokes(text)).toEqual(strokes);
});
