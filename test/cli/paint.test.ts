import { expect, test } from "bun:test";
import { colourDepth, PLAIN_PAINT, paintFor, paintOf, type Tone } from "../../src/cli/colour.ts";
import { tableText } from "../../src/cli/table.ts";

const TERMINAL = { isTTY: true };
const TRUE_COLOUR = { TERM: "xterm-256color", COLORTERM: "truecolor", HOME: "/nowhere" };

test.each<[stream: { isTTY?: boolean }, env: Record<string, string>]>([
  [{}, TRUE_COLOUR],
  [TERMINAL, { ...TRUE_COLOUR, NO_COLOR: "1" }],
  [TERMINAL, { ...TRUE_COLOUR, TERM: "dumb" }],
])("text stays as it is for %j with %j", (stream, env) => {
  expect(paintFor(stream, "nord", env)).toBe(PLAIN_PAINT);
});

test("a terminal gets the theme's own colours, the lighter ones on a light background", () => {
  expect(paintFor(TERMINAL, "nord", TRUE_COLOUR).accent("x")).toBe("\x1b[38;2;136;192;208mx\x1b[39m");
  const light = { ...TRUE_COLOUR, COLORFGBG: "0;15" };
  expect(paintFor(TERMINAL, "nord", light).accent("x")).toBe("\x1b[38;2;94;129;172mx\x1b[39m");
});

test.each<[env: Record<string, string>, depth: 16 | 256 | "any"]>([
  [{ COLORTERM: "truecolor" }, "any"],
  [{ COLORTERM: "24bit", TERM: "xterm" }, "any"],
  [{ TERM: "xterm-kitty" }, "any"],
  [{ TERM: "screen-256color" }, 256],
  [{ TERM: "linux" }, 16],
  [{}, 16],
])("%j shows %p colours", (env, depth) => {
  expect(colourDepth(env)).toBe(depth);
});

test("nothing is painted where there is nothing", () => {
  const paint = paintOf(undefined, 16);
  for (const tone of Object.keys(paint) as Tone[]) expect(paint[tone]("")).toBe("");
});

test("a painted table has the same words in the same places, its blanks without colour", () => {
  const columns = [
    { title: "NAME", shrinks: true },
    { title: "STATE", tone: (row: number): Tone => (row === 0 ? "good" : "bad") },
    { title: "MORE" },
  ];
  const rows = [
    ["日本語のキーのとても長い名前", "ok", "1"],
    ["b", "dead", "2"],
  ];
  const painted = tableText(columns, rows, { width: 24, paint: paintOf(undefined, 16) });
  expect(Bun.stripANSI(painted)).toBe(tableText(columns, rows, 24));
  expect(painted).toContain("\x1b[32mok\x1b[39m   ");
  expect(painted).toContain("\x1b[31mdead\x1b[39m ");
  expect(painted.split("\n")[0]).toStartWith("\x1b[1mNAME\x1b[22m");
});
