import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Problem } from "../../src/core/problem.ts";
import { parseSettings, providerOf, type Settings } from "../../src/core/settings/settings.ts";
import { claude } from "../../src/harness/claude/claude.ts";
import { codex } from "../../src/harness/codex/codex.ts";
import { execHarness } from "../../src/harness/exec/exec.ts";
import type { Harness, PreparedRun } from "../../src/harness/harness.ts";
import { kilo } from "../../src/harness/kilo/kilo.ts";
import { createRunDir } from "../../src/harness/run/run-dir.ts";
import { tempFolder } from "../config/temp-folder.ts";

const PAGES = new Map([["", "Options:\n  --no-daemon  Run without the shared background server"]]);

function programWith(pages: ReadonlyMap<string, string>) {
  return {
    file: "/bin/x",
    version: "1.0.0",
    help: async (words: readonly string[]) => pages.get(words.join(" ")),
  };
}

function settingsOf(more: object = {}): Settings {
  const parsed = parseSettings({
    providers: { work: { base_url: "http://127.0.0.1:1/v1" } },
    chains: { coding: ["work/m"] },
    ...more,
  });
  if (!("settings" in parsed)) throw new Error(parsed.faults[0]?.what);
  return parsed.settings;
}

interface Parts {
  words?: string[];
  env?: Record<string, string>;
  settings?: Settings;
  /** What the program prints. */
  script?: string;
}

async function prepared(harness: Harness, parts: Parts, look: (run: PreparedRun) => void): Promise<void> {
  using folder = tempFolder();
  const { words = [], env = {}, settings = settingsOf(), script = "exit 1" } = parts;
  const file = folder.in("program");
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
  const plan = await harness.plan(words, programWith(PAGES));
  const runDir = createRunDir(folder.in("runs"));
  mkdirSync(folder.in("home"));
  const run = harness.prepare({
    file,
    runDir,
    runRoot: folder.in("runs"),
    runId: "id",
    url: "http://127.0.0.1:4000",
    tokenFile: "/run/token",
    token: "the token",
    words,
    args: plan.args,
    env: { PATH: "/usr/bin:/bin", ...env },
    home: folder.in("home"),
    configs: () => [],
    known: { settings, usable: [providerOf(settings, "work") ?? fail()], catalog: undefined },
  });
  look(run);
  runDir.remove();
}

function fail(): never {
  throw new Error("no provider");
}

const [claudeHarness, codexHarness, kiloHarness] = [claude, codex, kilo].map((agent) =>
  agent.harnessFor(undefined),
);
if (claudeHarness === undefined || codexHarness === undefined || kiloHarness === undefined) fail();

const HARNESSES = { claude: claudeHarness, codex: codexHarness, kilo: kiloHarness, exec: execHarness };

test.each<[agent: keyof typeof HARNESSES, words: string[], kind: "plain" | "routed", args?: string[]]>([
  ["claude", [], "routed"],
  ["claude", ["-p", "hi"], "routed"],
  ["claude", ["mcp", "list"], "plain"],
  ["claude", ["agents"], "plain"],
  ["claude", ["--teleport"], "plain"],
  ["claude", ["--", "--bg"], "routed"],
  ["codex", [], "routed", ["--no-daemon"]],
  ["codex", ["-m", "exec", "hi"], "routed", ["--no-daemon", "-m", "exec", "hi"]],
  ["codex", ["exec", "login"], "routed"],
  ["codex", ["-C", "/x", "e", "hi"], "routed"],
  ["codex", ["resume", "--last"], "routed", ["--no-daemon", "resume", "--last"]],
  ["codex", ["--no-daemon", "hi"], "routed"],
  ["codex", ["login"], "plain"],
  ["codex", ["exec", "--help"], "plain"],
  ["codex", ["app-server", "daemon", "start"], "plain"],
  ["kilo", ["run", "hi"], "routed"],
  ["kilo", ["daemon", "status"], "plain"],
  ["kilo", ["auth", "login"], "plain"],
  ["exec", ["--version"], "routed"],
])("%s: %j is %s", async (agent, words, kind, args = words) => {
  expect(await HARNESSES[agent].plan(words, programWith(PAGES))).toEqual({ kind, args });
});

test("codex without background servers is started as it is", async () => {
  expect(await codexHarness.plan([], programWith(new Map()))).toEqual({ kind: "routed", args: [] });
});

test.each([["--oss"], ["--remote=unix://"]])("codex %s goes to other models, and says so", async (flag) => {
  expect(await codexHarness.plan([flag], programWith(PAGES))).toMatchObject({
    kind: "plain",
    note: expect.any(String),
  });
});

test("a session in the background would lose its proxy, so it is refused", async () => {
  await expect(claudeHarness.plan(["--bg", "hi"], programWith(PAGES))).rejects.toBeInstanceOf(Problem);
});

/** The settings file that Claude Code is started with. */
function claudeSettings({
  args = [],
}: PreparedRun): Record<string, unknown> & { env: Record<string, string> } {
  expect(args[0]).toBe("--settings");
  return JSON.parse(readFileSync(args[1] ?? "", "utf8"));
}

test("Claude Code gets address, token and models, above anything in its own settings", async () => {
  await prepared(claudeHarness, { words: ["-p", "hi"] }, (run) => {
    expect(run.args?.slice(2)).toEqual(["-p", "hi"]);
    const { env } = claudeSettings(run);
    expect(env).toMatchObject({
      ANTHROPIC_BASE_URL: "http://127.0.0.1:4000",
      ANTHROPIC_AUTH_TOKEN: "the token",
      ANTHROPIC_API_KEY: "",
      CLAUDE_CODE_USE_BEDROCK: "",
      ANTHROPIC_DEFAULT_OPUS_MODEL: "orouter/coding",
      ANTHROPIC_DEFAULT_HAIKU_MODEL: "orouter/coding",
      ANTHROPIC_MODEL: "",
    });
    expect(run.env["ANTHROPIC_AUTH_TOKEN"]).toBe("the token");
    expect(run.without).toContain("ANTHROPIC_API_KEY");
    // An argument would show the token in the list of processes.
    expect(JSON.stringify(run.args)).not.toContain("the token");
  });
});

test("Claude Code's models are those of config.toml", async () => {
  const settings = settingsOf({
    agents: { claude: { model: "work/a", opus: "work/b", haiku: "orouter/coding" } },
  });
  await prepared(claudeHarness, { settings }, ({ env }) => {
    expect(env).toMatchObject({
      ANTHROPIC_MODEL: "work/a",
      ANTHROPIC_DEFAULT_OPUS_MODEL: "work/b",
      ANTHROPIC_DEFAULT_SONNET_MODEL: "work/a",
      ANTHROPIC_DEFAULT_HAIKU_MODEL: "orouter/coding",
      CLAUDE_CODE_MAX_CONTEXT_TOKENS: "131072",
    });
  });
});

test.each<[words: string[], left: string[]]>([
  [["--settings", '{"theme":"dark","env":{"FOO":"1","ANTHROPIC_BASE_URL":"http://x"}}', "hi"], ["hi"]],
  [
    ['--settings={"theme":"dark","env":{"FOO":"1"}}', "--", "--settings"],
    ["--", "--settings"],
  ],
])("the user's own settings of Claude Code stay: %j", async (words, left) => {
  await prepared(claudeHarness, { words }, (run) => {
    expect(run.args?.slice(2)).toEqual(left);
    const { theme, env } = claudeSettings(run);
    expect(theme).toBe("dark");
    expect(env).toMatchObject({ FOO: "1", ANTHROPIC_BASE_URL: "http://127.0.0.1:4000" });
  });
});

test("settings that cannot be read stop the run, and are not repeated", async () => {
  const words = ["--settings", '{"key":"secret'];
  const failing = prepared(claudeHarness, { words }, () => {});
  await expect(failing).rejects.toThrow("--settings");
  await expect(failing).rejects.not.toThrow("secret");
});

test("in its minimal mode Claude Code gets the token as a key", async () => {
  await prepared(claudeHarness, { words: ["--bare", "-p", "hi"] }, ({ env }) => {
    expect(env).toMatchObject({ ANTHROPIC_API_KEY: "the token" });
    expect(env["ANTHROPIC_AUTH_TOKEN"]).toBeUndefined();
  });
});

const TABLE = {
  models: [
    {
      slug: "plain",
      visibility: "list",
      base_instructions: "be good",
      context_window: 9,
      service_tiers: [1],
    },
    { slug: "new", visibility: "list", use_responses_lite: true },
  ],
};

test("Codex is told of the provider and of the models by flags alone", async () => {
  const script = `echo '${JSON.stringify(TABLE)}'`;
  const settings = settingsOf({ models: [{ id: "work/m", context: 50_000 }] });
  await prepared(codexHarness, { words: ["exec", "-m", "work/other", "hi"], script, settings }, (run) => {
    const { args = [], env } = run;
    expect(env).toEqual({ OROUTER_TOKEN: "the token" });
    expect(args).toContain('model_provider="orouter"');
    expect(args).toContain('model="orouter/coding"');
    expect(args.slice(-4)).toEqual(["exec", "-m", "work/other", "hi"]);
    expect(args.join(" ")).not.toContain("the token");
    const named = args.find((word) => word.startsWith("model_catalog_json=")) ?? "";
    const { models } = JSON.parse(readFileSync(JSON.parse(named.slice(named.indexOf("=") + 1)), "utf8"));
    expect(models.map(({ slug }: { slug: string }) => slug)).toEqual([
      "orouter/coding",
      "work/other",
      "work/m",
    ]);
    expect(models[0]).toMatchObject({
      base_instructions: "be good",
      context_window: 50_000,
      service_tiers: [],
    });
  });
});

test("a Codex that does not print its models is started without a table", async () => {
  await prepared(codexHarness, { words: ["exec", "hi"] }, ({ args = [] }) => {
    expect(args.join(" ")).not.toContain("model_catalog_json");
  });
});

test("Kilo gets opencode's variables under its own names, and no shared daemon", async () => {
  await prepared(kiloHarness, { words: ["run", "hi"], env: { OPENCODE_CONFIG: "/mine" } }, ({ env }) => {
    expect(env["KILO_NO_DAEMON"]).toBe("1");
    expect(Object.keys(env).filter((name) => name.startsWith("OPENCODE_"))).toEqual([]);
    const config = JSON.parse(readFileSync(env["KILO_CONFIG"] ?? "", "utf8"));
    expect(config.provider.orouter.options.baseURL).toBe("http://127.0.0.1:4000/orouter/v1");
  });
});

test("Kilo keeps a configuration file of the user's, and opencode's variables in a clean environment", async () => {
  await prepared(kiloHarness, { words: ["run", "hi"], env: { KILO_CONFIG: "/mine" } }, ({ env }) => {
    expect(env["KILO_CONFIG"]).toBeUndefined();
    expect(env["KILO_CONFIG_CONTENT"]).toContain("orouter");
  });
  const own = { PATH: "/bin", OPENCODE_CONFIG: "/a", KILO_CONFIG: "/b" };
  expect(kilo.cleanEnv({ ...own, OROUTER_RUN_ID: "x" }, "/runs")).toEqual(own);
});

test("any other program gets the usual variables", async () => {
  await prepared(execHarness, {}, ({ env, without }) => {
    expect(env).toMatchObject({
      OPENAI_BASE_URL: "http://127.0.0.1:4000/v1",
      OPENAI_API_KEY: "the token",
      ANTHROPIC_BASE_URL: "http://127.0.0.1:4000",
      ANTHROPIC_AUTH_TOKEN: "the token",
    });
    expect(without).toEqual(["ANTHROPIC_API_KEY"]);
  });
});

test.each([
  [claude, "CLAUDE.md"],
  [codex, "AGENTS.md"],
])("a project that quotes our keys in its rules is refused", (agent, name) => {
  using folder = tempFolder();
  const cwd = folder.in("project");
  const config = folder.in("home/.config/orouter");
  mkdirSync(cwd);
  mkdirSync(config, { recursive: true });
  const check = { env: {}, home: folder.in("home"), cwd, args: [], folders: [config], secrets: [] };
  writeFileSync(`${cwd}/${name}`, "be kind, and see @README.md");
  agent.checkProject(check);
  writeFileSync(`${cwd}/${name}`, `see @${config}/keys.toml`);
  expect(() => agent.checkProject(check)).toThrow(`so ${agent.name} was not started`);
});
