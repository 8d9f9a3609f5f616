import { expect, test } from "bun:test";
import fc from "fast-check";
import { frameText } from "../../src/cli/screen.ts";

function linesOf(frame: string): string[] {
  return Bun.stripANSI(frame).split("\r\n");
}

test("a frame never scrolls or wraps, whatever it is to show", () => {
  const letter = fc.constantFrom("a", " ", "é", "日", "👍", "\x1b[1m", "\x1b[22m");
  const text = fc.array(fc.string({ unit: letter, maxLength: 60 }), { maxLength: 12 });
  const size = fc.record({ columns: fc.integer({ min: 2, max: 40 }), rows: fc.integer({ min: 1, max: 9 }) });
  fc.assert(
    fc.property(text, size, (parts, { columns, rows }) => {
      const frame = frameText(parts.join("\n"), { columns, rows });
      const shown = linesOf(frame);
      expect(shown.length).toBeLessThanOrEqual(rows);
      for (const line of shown) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
    }),
  );
});

test("each line wipes what is left of the one before, and the last one what is below", () => {
  const frame = frameText("one\ntwo", { columns: 80, rows: 24 });
  expect(frame).toBe("\x1b[?2026h\x1b[Hone\x1b[K\r\ntwo\x1b[K\x1b[J\x1b[?2026l");
});
