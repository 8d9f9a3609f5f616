import { expect, test } from "bun:test";
import { parse } from "smol-toml";
import { settingRows } from "../../../src/core/settings/setting-names.ts";
import { parseSettings } from "../../../src/core/settings/settings.ts";

const ROWS = settingRows();

test("every row says what the setting does and what is allowed", () => {
  for (const row of ROWS) {
    expect(row.help).toMatch(/\S/);
    expect(row.allowed).toMatch(/\S/);
  }
  expect(new Set(ROWS.map((row) => row.path)).size).toBe(ROWS.length);
});

test.each([
  "theme",
  "routing.cooldown.base",
  "providers.<id>.rpm",
  "models[].match",
  "chains.<name>",
  "rules[].verdict",
])("%s has a row", (path) => {
  expect(ROWS.map((row) => row.path)).toContain(path);
});

test("the defaults in the rows, written into a file, change nothing", () => {
  const plain = ROWS.filter((row) => row.defaultText !== "" && !/[<[]/.test(row.path));
  expect(plain.length).toBeGreaterThan(20);
  const toml = plain.map((row) => `${row.path} = ${row.defaultText}`).join("\n");
  expect(parseSettings(parse(toml))).toEqual(parseSettings({}));
});
