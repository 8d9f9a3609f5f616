import { expect, test } from "bun:test";
import { comboMembers, readCombos } from "../../../src/core/catalog/catalog.ts";

const DAILY = { name: "daily", models: ["cx/a", { id: "1", kind: "model", model: "kmc/b", weight: 1 }] };

test.each<[name: string, value: unknown]>([
  ["a bare list", [DAILY]],
  ["a list under combos", { combos: [DAILY] }],
  ["entries without models beside it", { combos: [null, "x", { name: "y" }, { models: ["z"] }, DAILY] }],
])("%s is read", (_name, value) => {
  expect(readCombos(value)).toEqual([{ name: "daily", members: ["cx/a", "kmc/b"] }]);
});

test.each<[value: unknown]>([[null], ["x"], [{ error: "Forbidden" }], [{ combos: {} }]])(
  "%p holds no combos",
  (value) => {
    expect(readCombos(value)).toBeUndefined();
  },
);

test("combos inside combos are opened up, each model once, circles included", () => {
  const combos = [
    { name: "a", members: ["x", "b", "y"] },
    { name: "b", members: ["y", "combo/a", "z"] },
  ];
  expect(comboMembers("a", combos)).toEqual(["x", "y", "z"]);
  expect(comboMembers("none", combos)).toEqual([]);
});
