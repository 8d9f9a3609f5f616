import { expect, test } from "bun:test";
import { findEnvKeys } from "../../../src/core/settings/keys.ts";

test("the plain variable comes first, then the numbered ones by number", () => {
  const env = {
    A_KEY_10: "ten",
    A_KEY_2: "two",
    A_KEY: "none",
    A_KEY_x: "no",
    A_KEY_1: " ",
    B_KEY_1: "b",
    OTHER: "o",
  };
  const found = findEnvKeys(env, [
    { id: "a", env: ["A_KEY"] },
    { id: "b", env: ["B_KEY", "ALSO_B"] },
    { id: "c", env: ["A_KEY"] },
  ]);
  expect(found.map(({ provider, variable, text }) => [provider, variable, text])).toEqual([
    ["a", "A_KEY", "none"],
    ["a", "A_KEY_2", "two"],
    ["a", "A_KEY_10", "ten"],
    ["b", "B_KEY_1", "b"],
    ["c", "A_KEY", "none"],
    ["c", "A_KEY_2", "two"],
    ["c", "A_KEY_10", "ten"],
  ]);
});
