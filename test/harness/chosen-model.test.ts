import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type OpencodePlace, readOpencodeConfigs } from "../../src/config/opencode-configs.ts";
import { hasChosenModel } from "../../src/harness/opencode/chosen-model.ts";
import { tempFolder } from "../config/temp-folder.ts";

const isChosen = (places: OpencodePlace): boolean =>
  hasChosenModel({ ...places, configs: readOpencodeConfigs(places) });

const MODEL = '{ "model": "x/y", /* mine */ }';

test.each<[name: string, file: string, text: string, chosen: boolean]>([
  ["nothing said", "home/.config/opencode/opencode.json", '{"username":"me"}', false],
  ["the global file", "home/.config/opencode/opencode.jsonc", MODEL, true],
  ["the project's file", "project/opencode.json", MODEL, true],
  ["a folder above the project", "opencode.json", MODEL, true],
  ["the project's .opencode", "project/.opencode/opencode.jsonc", MODEL, true],
  ["a model of an agent only", "project/opencode.json", '{"agent":{"x":{"model":"x/y"}}}', false],
  ["a file that is no JSON", "project/opencode.json", "{", false],
  [
    "a model picked before",
    "home/.local/state/opencode/model.json",
    '{"recent":[{"providerID":"x","modelID":"y"}]}',
    true,
  ],
  ["no model picked yet", "home/.local/state/opencode/model.json", '{"recent":[]}', false],
])("%s: %p", (_name, file, text, chosen) => {
  using folder = tempFolder();
  mkdirSync(dirname(folder.in(file)), { recursive: true });
  writeFileSync(folder.in(file), text);
  expect(isChosen({ env: {}, home: folder.in("home"), cwd: folder.in("project") })).toBe(chosen);
});

test("the environment's own words count", () => {
  using folder = tempFolder();
  const places = { home: folder.in("home"), cwd: folder.in("project") };
  expect(isChosen({ ...places, env: { OPENCODE_CONFIG_CONTENT: MODEL } })).toBe(true);
  expect(isChosen({ ...places, env: { OPENCODE_CONFIG_CONTENT: "{}" } })).toBe(false);
});
