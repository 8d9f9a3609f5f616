import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { placePlugins } from "../../src/harness/opencode1/opencode1.ts";
import { placePlugin } from "../../src/harness/opencode2/opencode2.ts";
import { PLUGIN_TEXT } from "../../src/harness/plugin/plugin-text.ts";
import { createRunDir } from "../../src/harness/run/run-dir.ts";
import { tempFolder } from "../config/temp-folder.ts";

const SETTINGS = { plugin: true, toasts: true, keyPrefix: "<leader>o", shellKeys: false, tools: false };

interface Placing {
  settings?: Partial<typeof SETTINGS>;
  args?: string[];
  env?: Record<string, string>;
}

function place(folder: ReturnType<typeof tempFolder>, { settings = {}, args = [], env = {} }: Placing = {}) {
  const runDir = createRunDir(folder.in("run"));
  const tokenFile = runDir.write("token", "the-token");
  const all = { ...SETTINGS, ...settings };
  const placed = placePlugins({ runDir, url: "http://127.0.0.1:1", tokenFile, env, args, settings: all });
  return { runDir, placed, tui: readTui(placed.env["OPENCODE_TUI_CONFIG"]) };
}

function readTui(file: string | undefined): Record<string, unknown> & { plugin: unknown[] } {
  return file === undefined ? { plugin: [] } : JSON.parse(readFileSync(file, "utf8"));
}

test("the plugin lies in the run's folder, for us alone, and no secret is in what opencode is told", () => {
  using folder = tempFolder();
  const { runDir, placed, tui } = place(folder);
  expect(Object.keys(placed.env).sort()).toEqual(["OPENCODE_PLUGIN_META_FILE", "OPENCODE_TUI_CONFIG"]);
  for (const path of Object.values(placed.env)) expect(path).toStartWith(runDir.path);
  expect(JSON.stringify(tui)).not.toContain("the-token");
  expect(statSync(`${runDir.path}/orouter-tui.js`).mode & 0o777).toBe(0o600);
  expect(placed.entries).toEqual([]);
  runDir.remove();
});

test.each<[name: string, placing: Placing]>([
  ["plugin = false", { settings: { plugin: false } }],
  ["--pure", { args: ["--pure"], settings: { tools: true } }],
  ["OPENCODE_PURE", { env: { OPENCODE_PURE: "1" } }],
])("%s leaves it out", (_name, placing) => {
  using folder = tempFolder();
  const { runDir, placed } = place(folder, placing);
  expect(placed).toEqual({ env: {}, entries: [] });
  expect(existsSync(`${runDir.path}/orouter-tui.js`)).toBe(false);
  runDir.remove();
});

test("--pure behind -- is a word of a prompt", () => {
  using folder = tempFolder();
  const { runDir, placed } = place(folder, { args: ["run", "--", "--pure"] });
  expect(placed.env).toHaveProperty("OPENCODE_TUI_CONFIG");
  runDir.remove();
});

test("the user's own tui.json stays in force, and its relative plugins are found", () => {
  using folder = tempFolder();
  const theirs = folder.in("tui/mine.json");
  mkdirSync(folder.in("tui"));
  writeFileSync(
    theirs,
    '{ // mine\n "theme": "dracula", "plugin": ["./a.tsx", ["../b.js", {"x": 1}], "npm-package", "file:///c.js"] }',
  );
  const { runDir, tui } = place(folder, { env: { OPENCODE_TUI_CONFIG: theirs } });
  expect(tui["theme"]).toBe("dracula");
  expect(tui.plugin.slice(0, 4)).toEqual([
    folder.in("tui/a.tsx"),
    [folder.in("b.js"), { x: 1 }],
    "npm-package",
    "file:///c.js",
  ]);
  expect(tui.plugin).toHaveLength(5);
  runDir.remove();
});

test("inside an opencode inside an orouter only the inner plugin is left", () => {
  using folder = tempFolder();
  const outer = place(folder);
  const inner = place(folder, { env: outer.placed.env });
  expect(inner.tui.plugin).toHaveLength(1);
  expect(JSON.stringify(inner.tui.plugin)).toContain(inner.runDir.path);
  outer.runDir.remove();
  inner.runDir.remove();
});

test("a tui.json that does not parse costs its own words only", () => {
  using folder = tempFolder();
  const theirs = folder.in("mine.json");
  writeFileSync(theirs, "{ nonsense");
  const { runDir, tui } = place(folder, { env: { OPENCODE_TUI_CONFIG: theirs } });
  expect(tui.plugin).toHaveLength(1);
  runDir.remove();
});

test("a server plugin comes only when it is asked for, with bounds for npm that the user's own win over", () => {
  using folder = tempFolder();
  const { runDir, placed } = place(folder, {
    settings: { plugin: false, tools: true },
    env: { npm_config_fetch_timeout: "9000" },
  });
  expect(placed.env).toEqual({ npm_config_fetch_retries: "0" });
  expect(placed.entries).toEqual([
    [
      `file://${runDir.path}/orouter-server.js`,
      expect.objectContaining({ tools: true, shellKeys: false, shellEnv: { npm_config_fetch_retries: "" } }),
    ],
  ]);
  expect(JSON.stringify(placed)).not.toContain("the-token");
  runDir.remove();
});

test("opencode 2 gets a folder with a server part and an interface part, and no secret in it", () => {
  using folder = tempFolder();
  const { runDir, path, read } = placeFolder(folder);
  const { exports } = JSON.parse(read("package.json"));
  expect(exports).toEqual({ ".": "./index.js", "./server": "./index.js", "./tui": "./tui.js" });
  expect(readdirSync(path).sort()).toEqual(["index.js", "options.json", "package.json", "tui.js"]);
  for (const name of readdirSync(path)) {
    expect(statSync(`${path}/${name}`).mode & 0o777).toBe(0o600);
    expect(read(name)).not.toContain("the-token");
  }
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(JSON.parse(read("options.json"))).toMatchObject({
    url: "http://127.0.0.1:1",
    tokenFile: `${runDir.path}/token`,
    shellEnv: { OPENCODE_CONFIG: null },
  });
  runDir.remove();
});

test("plugin = false leaves out the interface part; the server part still keeps the run out of shell commands", () => {
  using folder = tempFolder();
  const { runDir, path, read } = placeFolder(folder, { plugin: false });
  expect(readdirSync(path).sort()).toEqual(["index.js", "options.json", "package.json"]);
  expect(JSON.parse(read("package.json")).exports).not.toHaveProperty("./tui");
  runDir.remove();
});

function placeFolder(folder: ReturnType<typeof tempFolder>, settings: Partial<typeof SETTINGS> = {}) {
  const runDir = createRunDir(folder.in("run"));
  const path = placePlugin({
    runDir,
    url: "http://127.0.0.1:1",
    tokenFile: runDir.write("token", "the-token"),
    settings: { ...SETTINGS, ...settings },
    shellEnv: { OPENCODE_CONFIG: null },
  });
  return { runDir, path, read: (name: string) => readFileSync(`${path}/${name}`, "utf8") };
}

test("the text is what opencode can load: its own packages are named as its rewriting needs them, and no others", () => {
  for (const text of Object.values(PLUGIN_TEXT)) {
    const imports = [...text.matchAll(/from\s*["']([^"']+)["']/g)].map(([, name = ""]) => name);
    expect(
      imports.filter(
        (name) =>
          !["solid-js", "@opentui/solid", "node:fs/promises", "fs/promises", "node:fs", "fs"].includes(name),
      ),
    ).toEqual([]);
    expect(text).not.toMatch(/from["']/);
    // opencode may run on another runtime than Bun.
    expect(text).not.toMatch(/\bBun\b/);
  }
});
