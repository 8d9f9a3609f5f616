import { expect, test } from "bun:test";
import fc from "fast-check";
import { tableText } from "../../src/cli/table.ts";

const COLUMNS = [{ title: "NAME", shrinks: true }, { title: "STATE" }];

test("columns stand under their titles and no line ends in blanks", () => {
  expect(
    tableText(
      COLUMNS,
      [
        ["work", "ok"],
        ["a-longer-one", ""],
      ],
      80,
    ),
  ).toBe("NAME          STATE\nwork          ok\na-longer-one");
});

test("wide characters count as the two columns they take", () => {
  const lines = tableText(
    COLUMNS,
    [
      ["日本", "ok"],
      ["abcd", "ok"],
    ],
    80,
  ).split("\n");
  const at = lines.slice(1).map((line) => Bun.stringWidth(line.slice(0, line.indexOf("ok"))));
  expect(at).toEqual([6, 6]);
});

test("a table wider than the terminal cuts the columns that may be cut, and says so", () => {
  const text = tableText(COLUMNS, [["日本語日本語日本語日本語", "enabled"]], 20);
  expect(text).toContain("…");
  expect(text).toContain("enabled");
});

test("no line is wider than the terminal as long as the fixed columns leave room", () => {
  const cell = fc.oneof(
    fc.string({ maxLength: 60 }).map((text) => text.replaceAll(/[\p{C}\p{Z}\p{M}]/gu, "x")),
    fc.constant("日本語のキー"),
  );
  fc.assert(
    fc.property(
      fc.array(cell, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 24, max: 100 }),
      (names, width) => {
        const text = tableText(
          COLUMNS,
          names.map((name) => [name, "enabled"]),
          width,
        );
        for (const line of text.split("\n")) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
      },
    ),
  );
});

test("a long text in the last column continues below itself, and is not changed in a pipe", () => {
  const columns = [{ title: "NAME" }, { title: "RESULT", wraps: true }];
  const rows = [
    ["work", "accepted, but its usage limit is reached"],
    ["home", "ok"],
  ];
  expect(tableText(columns, rows, 34).split("\n")).toEqual([
    "NAME  RESULT",
    "work  accepted, but its usage",
    "      limit is reached",
    "home  ok",
  ]);
  expect(tableText(columns, rows, Number.POSITIVE_INFINITY)).toContain(
    "work  accepted, but its usage limit is reached",
  );
});
