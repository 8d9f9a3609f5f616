import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { chosenTheme } from "../../src/harness/opencode/chosen-model.ts";
import { tempFolder } from "../config/temp-folder.ts";

const KV = "home/.local/state/opencode/kv.json";
const GLOBAL = "home/.config/opencode";

test.each<[what: string, files: Record<string, string>, theme: string]>([
  ["nothing at all", {}, "opencode"],
  ["what was picked in its interface", { [KV]: '{"theme":"nord"}' }, "nord"],
  [
    "a file over what was picked",
    { [KV]: '{"theme":"nord"}', [`${GLOBAL}/tui.json`]: '{"theme":"gruvbox"}' },
    "gruvbox",
  ],
  ["comments in the file", { [`${GLOBAL}/tui.jsonc`]: '{\n// dark\n"theme": "aura",\n}' }, "aura"],
  ["the place of older ones", { [`${GLOBAL}/opencode.json`]: '{"theme":"ayu"}' }, "ayu"],
  [
    "the project over the user",
    { [`${GLOBAL}/tui.json`]: '{"theme":"nord"}', "work/.opencode/tui.json": '{"theme":"vesper"}' },
    "vesper",
  ],
  [
    "the nearest folder",
    { "work/tui.json": '{"theme":"nord"}', "work/app/tui.json": '{"theme":"aura"}' },
    "aura",
  ],
  ["files that are wrong", { [KV]: "{", [`${GLOBAL}/tui.json`]: '{"theme":7}' }, "opencode"],
  ["a file that names none", { [`${GLOBAL}/tui.json`]: "[]", [KV]: '{"theme":""}' }, "opencode"],
])("the theme follows %s", (_what, files, theme) => {
  using folder = tempFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(folder.in(name)), { recursive: true });
    writeFileSync(folder.in(name), text);
  }
  const places = { env: {}, home: folder.in("home"), cwd: folder.in("work/app") };
  expect(chosenTheme(places).theme).toBe(theme);
});

test("a variable names a file, and another the folder of the state", () => {
  using folder = tempFolder();
  writeFileSync(folder.in("my-tui.json"), '{"theme":"zenburn"}');
  mkdirSync(folder.in("state/opencode"), { recursive: true });
  writeFileSync(folder.in("state/opencode/kv.json"), '{"theme":"nord","theme_mode_lock":"light"}');
  const env = { OPENCODE_TUI_CONFIG: folder.in("my-tui.json"), XDG_STATE_HOME: folder.in("state") };
  expect(chosenTheme({ env, home: folder.in("home"), cwd: folder.path })).toEqual({
    theme: "zenburn",
    mode: "light",
  });
});

const CLI = `${GLOBAL}/cli.json`;

test.each<[what: string, files: Record<string, string>, env: Record<string, string>, expected: unknown]>([
  ["a name and a mode", { [CLI]: '{"theme":{"name":"nord","mode":"light"}}' }, {}, ["nord", "light"]],
  [
    "a mode that follows the system",
    { [CLI]: '{"theme":{"name":"nord","mode":"system"}}' },
    {},
    ["nord", undefined],
  ],
  ["only a mode", { [CLI]: '{"theme":{"mode":"dark"}}' }, {}, ["opencode", "dark"]],
  [
    "more than the files of 1.x",
    {
      [CLI]: '{"theme":{"name":"nord"}}',
      [`${GLOBAL}/tui.json`]: '{"theme":"aura"}',
      [KV]: '{"theme":"ayu"}',
    },
    {},
    ["nord", undefined],
  ],
  [
    "no theme",
    { [CLI]: '{"theme":null}', [`${GLOBAL}/tui.json`]: '{"theme":"aura"}' },
    {},
    ["aura", undefined],
  ],
  ["no JSON", { [CLI]: "{", [KV]: '{"theme":"ayu"}' }, {}, ["ayu", undefined]],
  [
    "a theme of which a variable changes the mode",
    { [CLI]: '{"theme":{"name":"nord","mode":"light"}}' },
    { OPENCODE_CLI_CONFIG_CONTENT: '{"theme":{"mode":"dark"}}' },
    ["nord", "dark"],
  ],
])("cli.json of opencode 2 has %s", (_what, files, env, expected) => {
  using folder = tempFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(folder.in(name)), { recursive: true });
    writeFileSync(folder.in(name), text);
  }
  const { theme, mode } = chosenTheme({ env, home: folder.in("home"), cwd: folder.in("work/app") });
  expect([theme, mode]).toEqual(expected as [string, undefined]);
});
