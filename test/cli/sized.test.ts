import { expect, test } from "bun:test";
import { sized } from "../../src/cli/text.ts";

test.each([
  [
    "a terminal that does not tell its size is of the usual one",
    { columns: 0, rows: 0 },
    { columns: 80, rows: 24 },
  ],
  ["a terminal that does keeps its own", { columns: 40, rows: 10 }, { columns: 40, rows: 10 }],
  ["a pipe has none", {}, {}],
])("%s", (_name, stream, expected) => {
  expect(sized(stream)).toEqual(expected);
});
