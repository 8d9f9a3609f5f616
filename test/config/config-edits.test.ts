import { expect, test } from "bun:test";
import {
  addToConfig,
  type ConfigAddition,
  editConfig,
  firstConfig,
  settingsWith,
} from "../../src/config/config-edits.ts";
import { parseSettings } from "../../src/core/settings/settings.ts";
import { modeOf, namesIn, tempFolder } from "./temp-folder.ts";

const FULL: ConfigAddition = {
  providers: { nvidia: {}, "my.box": { base_url: "http://127.0.0.1:9/v1", models: ["a", 'b"c'] } },
  chain: { name: "coding:1", models: ["nvidia/a/b", "my.box/a"] },
};

test.each<[name: string, addition: ConfigAddition, value: object]>([
  ["nothing", { providers: {}, chain: undefined }, {}],
  ["a service", { providers: { nvidia: {} }, chain: undefined }, { providers: { nvidia: {} } }],
  [
    "a chain of one",
    { providers: {}, chain: { name: "one", models: ["nvidia/m"] } },
    { chains: { one: ["nvidia/m"] } },
  ],
  ["all there is", FULL, { providers: FULL.providers, chains: { "coding:1": ["nvidia/a/b", "my.box/a"] } }],
])("a first config.toml with %s says just that, whatever its comments say", (_name, addition, value) => {
  const parsed = Bun.TOML.parse(firstConfig(addition));
  expect(parsed).toEqual(value);
  expect(parseSettings(parsed)).toMatchObject({ warnings: [] });
});

test("its examples are settings that orouter takes once the mark before them is gone", () => {
  const text = firstConfig({ providers: {}, chain: undefined });
  const examples = text
    .split("\n")
    .filter((line) => /^# (?:\[|[\w"*]+ = )/.test(line))
    .map((line) => line.slice(2));
  expect(examples.length).toBeGreaterThan(5);
  expect(parseSettings(Bun.TOML.parse(examples.join("\n")))).toMatchObject({ warnings: [] });
});

test("a new file is whole, closed to others, and keeps its comments when it is changed later", async () => {
  using folder = tempFolder();
  const paths = { configFile: folder.in("home/config.toml") };
  expect(await addToConfig(paths, FULL)).toBe(true);
  expect(await Bun.file(paths.configFile).text()).toBe(firstConfig(FULL));
  expect(modeOf(folder.in("home"))).toBe(0o700);
  expect(namesIn(folder.in("home"))).toEqual(["config.toml"]);
  await editConfig(paths, (value) => ({ ...value, fallbacks: { "*": ["coding:1"] } }));
  const after = await Bun.file(paths.configFile).text();
  for (const line of firstConfig(FULL).split("\n")) expect(after).toContain(line);
});

test("what is there wins over what is added, and adding it again changes nothing", async () => {
  using folder = tempFolder();
  const paths = { configFile: folder.in("config.toml") };
  const text = '[providers.nvidia]\nrpm = 3 # slow\n[chains]\n"coding:1" = ["nvidia/mine"]\n';
  await Bun.write(paths.configFile, text);
  await addToConfig(paths, FULL);
  const after = await Bun.file(paths.configFile).text();
  expect(after).toStartWith(text.trimEnd());
  expect(Bun.TOML.parse(after)).toMatchObject({
    providers: { nvidia: { rpm: 3 }, "my.box": { base_url: "http://127.0.0.1:9/v1" } },
    chains: { "coding:1": ["nvidia/mine"] },
  });
  expect(await addToConfig(paths, FULL)).toBe(false);
});

test("what settings would be can be seen without a file", async () => {
  using folder = tempFolder();
  const settings = await settingsWith({ configFile: folder.in("config.toml") }, FULL);
  expect(Object.keys(settings.providers)).toEqual(["nvidia", "my.box"]);
  expect(namesIn(folder.path)).toEqual([]);
});
