import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defaultSettings } from "../../src/core/settings/settings.ts";
import type { Known } from "../../src/harness/harness.ts";
import { placeRunConfig, type RunConfigOptions } from "../../src/harness/opencode/run-config.ts";
import { createRunDir } from "../../src/harness/run/run-dir.ts";
import { tempFolder } from "../config/temp-folder.ts";

interface Config {
  model?: string;
  plugin?: string[];
  username?: string;
  provider: Record<string, { name?: string; options: { baseURL: string }; models?: object }>;
}

function knownWith(...chains: string[]): Known {
  const named = chains.map((name): [string, string[]] => [name, ["ollama-cloud/gpt-oss:120b"]]);
  const settings = { ...defaultSettings(), chains: Object.fromEntries(named) };
  return { settings, usable: [], catalog: undefined };
}

function withRun(
  env: Record<string, string>,
  check: (run: ReturnType<typeof placeRunConfig>, folder: string) => void,
): void {
  using folder = tempFolder();
  const runRoot = folder.in("orouter");
  const runDir = createRunDir(runRoot);
  const options: RunConfigOptions = {
    url: "http://127.0.0.1:4000",
    known: knownWith("coding"),
    listing: "what-it-lacks",
    tokenFile: "/run/token",
    runId: "run-1",
    runDir,
    runRoot,
    words: [],
    env: Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, value.replace("ROOT", runRoot)]),
    ),
    plugins: ["file:///plugin"],
    model: "orouter/coding",
  };
  check(placeRunConfig(options), runDir.path);
}

const content = ({ env }: { env: Record<string, string> }): Config =>
  JSON.parse(env["OPENCODE_CONFIG_CONTENT"] ?? "") as Config;
const fileOf = ({ env }: { env: Record<string, string> }): Config =>
  JSON.parse(readFileSync(env["OPENCODE_CONFIG"] ?? "", "utf8")) as Config;

test("the models lie in a file, what stays as it is in the variable that opencode reads last", () =>
  withRun({ OPENCODE_CONFIG_CONTENT: '{"username":"me"}' }, (run, folder) => {
    expect(run.env["OPENCODE_CONFIG"]).toBe(join(folder, "opencode.json"));
    const fixed = content(run);
    expect(fixed).toMatchObject({ username: "me", model: "orouter/coding", plugin: ["file:///plugin"] });
    expect(fixed.provider["orouter"]?.options.baseURL).toBe("http://127.0.0.1:4000/orouter/v1");
    expect(fixed.provider["orouter"]).not.toHaveProperty("models");
    const models = fileOf(run);
    expect(Object.keys(models)).toEqual(["$schema", "x-orouter", "provider"]);
    expect(Object.keys(models.provider["orouter"]?.models ?? {})).toEqual(["coding"]);
    expect(models.provider["orouter"]?.options).toEqual(fixed.provider["orouter"]?.options as never);
  }));

test("what has changed is told by the file, and what has not is no news", () =>
  withRun({}, (run, folder) => {
    expect(run.tellModels(knownWith("coding"))).toBe(false);
    expect(run.tellModels(knownWith("coding", "fresh"))).toBe(true);
    expect(Object.keys(fileOf(run).provider["orouter"]?.models ?? {})).toEqual(["coding", "fresh"]);
    expect(run.tellModels(knownWith("coding", "fresh"))).toBe(false);
    expect(run.tellModels(knownWith())).toBe(true);
    expect(fileOf(run).provider).toEqual({});
    expect(readdirSync(folder).toSorted()).toEqual(["lock", "opencode.json"]);
  }));

test("a user's own OPENCODE_CONFIG stays, and all is in the variable", () =>
  withRun({ OPENCODE_CONFIG: "/home/me/opencode.json" }, (run) => {
    expect(run.env).not.toHaveProperty("OPENCODE_CONFIG");
    expect(Object.keys(content(run).provider["orouter"]?.models ?? {})).toEqual(["coding"]);
    expect(run.tellModels(knownWith("other"))).toBe(false);
  }));

test("the file of an outer run is not the user's own", () =>
  withRun({ OPENCODE_CONFIG: "ROOT/run-1-outer/opencode.json" }, (run, folder) => {
    expect(run.env["OPENCODE_CONFIG"]).toBe(join(folder, "opencode.json"));
  }));

test("a list that fits nowhere says what to do", () => {
  const chains = Array.from({ length: 900 }, (_, nth) => `a-chain-with-a-long-name-${nth}`);
  using folder = tempFolder();
  const runRoot = folder.in("orouter");
  const options: Omit<RunConfigOptions, "env"> = {
    url: "http://127.0.0.1:4000",
    known: knownWith(...chains),
    listing: "what-it-lacks",
    tokenFile: "/run/token",
    runId: "run-1",
    runDir: createRunDir(runRoot),
    runRoot,
    words: [],
    plugins: [],
    model: undefined,
  };
  const own = { OPENCODE_CONFIG: "/home/me/opencode.json" };
  expect(() => placeRunConfig({ ...options, env: own })).toThrow("OPENCODE_CONFIG");
  expect(placeRunConfig({ ...options, env: {} }).env["OPENCODE_CONFIG_CONTENT"]?.length).toBeLessThan(1000);
});
