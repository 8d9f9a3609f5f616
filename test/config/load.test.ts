import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { loadConfig } from "../../src/config/load.ts";
import { EXIT } from "../../src/core/problem.ts";
import { defaultSettings } from "../../src/core/settings/settings.ts";
import { problemOf, tempFolder } from "./temp-folder.ts";

async function linesOfProblem(content: string | Uint8Array): Promise<string[]> {
  using folder = tempFolder();
  const configFile = folder.in("config.toml");
  writeFileSync(configFile, content);
  const problem = await problemOf(loadConfig({ configFile }));
  expect([problem.code, problem.exit]).toEqual(["config-invalid", EXIT.config]);
  return problem.message.replaceAll(configFile, "FILE").split("\n");
}

test("no file means the defaults", async () => {
  using folder = tempFolder();
  const loaded = await loadConfig({ configFile: folder.in("config.toml") });
  expect(loaded).toEqual({ settings: defaultSettings(), warnings: [] });
});

test("a good file is read, one that begins with a byte order mark too", async () => {
  using folder = tempFolder();
  const configFile = folder.in("config.toml");
  writeFileSync(configFile, '\uFEFFtheme = "nord"\r\n[routing]\r\nmax_wait = "1m"\r\n');
  const { settings } = await loadConfig({ configFile });
  expect([settings.theme, settings.routing.maxWaitMs]).toEqual(["nord", 60_000]);
});

test("a warning names its place", async () => {
  using folder = tempFolder();
  const configFile = folder.in("config.toml");
  writeFileSync(configFile, '[providers.nvidia]\n  api = "grpc"\n');
  const { warnings } = await loadConfig({ configFile });
  expect(warnings).toEqual([
    `${configFile}:2:3: providers.nvidia.api is unknown, so chat is used; allowed: chat, responses, messages`,
  ]);
});

test.each<[name: string, toml: string, line: RegExp]>([
  ["a line that is no TOML", 'theme = "nord"\n[routing\n', /^FILE:2:\d+: \S/],
  ["a text without its second quote", 'theme = "nord\n', /^FILE:1:\d+: a text has no quote at its end/],
  ["a key given twice", 'theme = "nord"\ntheme = "nord"\n', /^FILE:2:1: /],
  ["a plain value", '# hi\n\ntheme = "x"\n', /^FILE:3:1: theme cannot be "x"; allowed: one of opencode, /],
  ["a value under a header", '[routing]\n  strategy = "x"\n', /^FILE:2:3: routing.strategy /],
  ["a dotted key", "a = 1\n".replace("a", "routing.resume"), /^FILE:1:1: routing.resume cannot be 1/],
  [
    "an inline table",
    '[routing]\ncooldown = { base = "1s", factor = 99 }\n',
    /^FILE:2:27: routing.cooldown.factor/,
  ],
  [
    "an unknown key inline",
    "routing = { cooldown = { facto = 2 } }\n",
    /^FILE:1:26: routing.cooldown.facto /,
  ],
  [
    "a later table of an array",
    '[[models]]\nid = "a/b"\n[[models]]\nid = "c"\n',
    /^FILE:4:1: models\[1\].id/,
  ],
  ["an array of inline tables", 'models = [{ id = "a/b" },\n  { id = "c" }]\n', /^FILE:2:5: models\[1\].id/],
  ["an entry of a list", '[chains]\nc = [\n  "a/b", # one\n  "d",\n]\n', /^FILE:4:3: chains.c\[1\]/],
  ["a quoted key", '[fallbacks]\n"a/b" = ["x"]\n', /^FILE:2:10: fallbacks."a\/b"\[0\]/],
  [
    "something missing",
    "[providers.nvidia]\n[providers.work]\n",
    /^FILE:2:2: providers.work needs a base_url/,
  ],
  ["something missing below a dotted key", "[providers]\nwork.rpm = 1\n", /^FILE:2:1: providers.work needs/],
  [
    "something missing in a table of an array",
    '[[rules]]\ntext = "x"\n',
    /^FILE:1:3: rules\[0\].verdict is missing/,
  ],
])("%s is named with its line and column", async (_name, toml, line) => {
  const lines = await linesOfProblem(toml);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(line);
});

test("several faults come together, in the order of the file", async () => {
  const lines = await linesOfProblem(
    "zoom = 1\n[routing]\nresume = 1\n[chains]\na = []\n[opencode]\nplugin = 2\n",
  );
  expect(lines.map((line) => line.split(": ", 1)[0])).toEqual([
    "FILE:1:1",
    "FILE:3:1",
    "FILE:5:1",
    "FILE:7:1",
  ]);
});

test("text that is not UTF-8 is a problem with its line", async () => {
  const bytes = new Uint8Array([...new TextEncoder().encode('theme = "nord"\n# '), 0xff, 0x0a]);
  expect(await linesOfProblem(bytes)).toEqual(["FILE:2: this is not UTF-8 text"]);
});

test("a folder in the file's place is a problem", async () => {
  using folder = tempFolder();
  const configFile = folder.in("config.toml");
  mkdirSync(configFile);
  const problem = await problemOf(loadConfig({ configFile }));
  expect([problem.code, problem.exit]).toEqual(["config-unreadable", EXIT.config]);
  expect(problem.message).toBe(`Cannot read ${configFile}: it is a folder.`);
});
