import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Problem } from "../../src/core/problem.ts";
import { defaultSettings, parseSettings, providerOf } from "../../src/core/settings/settings.ts";
import { harnessFor } from "../../src/harness/opencode/opencode.ts";
import { opencode2 } from "../../src/harness/opencode2/opencode2.ts";
import { createRunDir } from "../../src/harness/run/run-dir.ts";
import { tempFolder } from "../config/temp-folder.ts";

/** The help pages of the stand-in, by the words before `--help`. */
function program(pages: Record<string, string> = {}) {
  const asked: string[] = [];
  const help = async (words: readonly string[]): Promise<string | undefined> => {
    asked.push(words.join(" "));
    return pages[words.join(" ")];
  };
  return { file: "/bin/opencode", version: "2.0.15", help, asked };
}

test.each<[version: string | undefined, profile: string]>([
  ["1.18.33", "opencode1"],
  ["2.0.15", "opencode2"],
  ["3.1.0", "opencode2"],
  ["10.0.0", "opencode2"],
  ["0.0.0-next-16350", "opencode2"],
  ["0.0.0-beta-1", "opencode2"],
  ["0.0.0-dev-1", "opencode2"],
  ["0.0.0-other", "opencode1"],
  ["0.4.1", "opencode1"],
  ["vlocal", "opencode1"],
  [undefined, "opencode1"],
])("version %p is started as %s", (version, profile) => {
  expect(harnessFor(version).profile).toBe(profile as "opencode1");
});

test.each<[words: string[], args: string[]]>([
  [[], ["--standalone"]],
  [["."], [".", "--standalone"]],
  [
    ["../project", "-c"],
    ["../project", "--standalone", "-c"],
  ],
  [["-c"], ["--standalone", "-c"]],
  [
    ["--prompt", "service"],
    ["--standalone", "--prompt", "service"],
  ],
  [
    ["--auto", "service", "stop"],
    ["--standalone", "--auto", "service", "stop"],
  ],
  [
    ["run", "hi"],
    ["run", "--standalone", "hi"],
  ],
  [
    ["run", "--", "--standalone"],
    ["run", "--standalone", "--", "--standalone"],
  ],
  [
    ["run", "--", "--server", "x"],
    ["run", "--standalone", "--", "--server", "x"],
  ],
  [
    ["run", "true"],
    ["run", "--standalone=true", "true"],
  ],
  [
    ["run", "no", "thanks"],
    ["run", "--standalone=true", "no", "thanks"],
  ],
  [
    ["run", "hi", "--standalone"],
    ["run", "hi", "--standalone"],
  ],
  [
    ["run", "--standalone=true", "hi"],
    ["run", "--standalone=true", "hi"],
  ],
  [
    ["run", "hi", "--help"],
    ["run", "--standalone", "hi", "--help"],
  ],
  [
    ["--log-level", "debug", "run", "hi"],
    ["--log-level", "debug", "run", "--standalone", "hi"],
  ],
  [
    ["--log-level=debug", "--print-logs", "run", "hi"],
    ["--log-level=debug", "--print-logs", "run", "--standalone", "hi"],
  ],
  [
    ["--print-logs", "false", "run", "hi"],
    ["--print-logs", "false", "run", "--standalone", "hi"],
  ],
  [
    ["--print-logs", "-c"],
    ["--print-logs", "--standalone", "-c"],
  ],
  [
    ["--", "service"],
    ["--standalone", "--", "service"],
  ],
  [
    ["mini", "-c"],
    ["mini", "--standalone", "-c"],
  ],
  [
    ["models", "--standalone"],
    ["models", "--standalone"],
  ],
  [["acp"], ["acp"]],
  [
    ["serve", "--port", "0"],
    ["serve", "--port", "0"],
  ],
])("opencode 2: %j goes behind the proxy as %j", async (words, args) => {
  const asked = program();
  expect(await opencode2.plan(words, asked)).toEqual({ kind: "routed", args });
  expect(asked.asked).toEqual([]);
});

test("opencode 2: models are listed by a server that is ready, since its own would be asked too early", async () => {
  const plan = await opencode2.plan(["models"], program());
  expect(plan).toEqual({ kind: "routed", args: ["models"], openServer: expect.any(Function) });
});

test("over ACP it is given no table of models, so that it waits for ours", () => {
  expect(prepare({ words: ["acp"] }).prepared.env["OPENCODE_MODELS_PATH"]).toEndWith("/models.json");
  expect(prepare({ words: ["run", "hi"] }).prepared.env).not.toHaveProperty("OPENCODE_MODELS_PATH");
});

test.each<[words: string[]]>([
  [["--version"]],
  [["-h"]],
  [["--completions", "zsh"]],
  [["--wizard"]],
  [["run", "--wizard"]],
  [["run", "--help"]],
  [["service", "start"]],
  [["--print-logs", "service", "status"]],
  [["auth", "list", "--standalone"]],
  [["mcp", "list"]],
  [["plugin", "list"]],
  [["pair"]],
  [["debug", "config"]],
  [["upgrade"]],
  [["update", "2.0.16"]],
  [["uninstall", "--dry-run"]],
  [["session", "list"]],
  [["stats"]],
  [["api", "get", "/api/model"]],
  [["reload"]],
  [["serve", "--service"]],
])("opencode 2: %j is plain, and its words stay as they are", async (words) => {
  expect(await opencode2.plan(words, program())).toEqual({ kind: "plain", args: words });
});

test.each([[["run", "--server", "http://127.0.0.1:1", "hi"]], [["--server=http://127.0.0.1:1"]]])(
  "opencode 2: %j goes to the server that it names, which is said",
  async (words) => {
    const plan = await opencode2.plan(words, program());
    expect(plan).toMatchObject({
      kind: "plain",
      args: words,
      note: expect.stringContaining("orouter opencode serve"),
    });
  },
);

test.each([
  [["run", "--no-standalone", "hi"]],
  [["run", "--standalone=false", "hi"]],
  [["--standalone", "false"]],
  [["run", "--standalone", "hi", "--no-standalone"]],
])("opencode 2: %j would go past the proxy, and is refused", async (words) => {
  const plan = opencode2.plan(words, program());
  await expect(plan).rejects.toBeInstanceOf(Problem);
  await expect(plan).rejects.toMatchObject({ exit: 2 });
});

const WITH_FLAG = "USAGE\n  opencode x [flags]\n\nFLAGS\n  --standalone    Run with a private server\n";
const WITHOUT = "USAGE\n  opencode x\n\nFLAGS\n  --not-standalone    Something else\n";
const GROUP =
  "USAGE\n  opencode x <subcommand>\n\nSUBCOMMANDS\n  ask, a    Ask a model\n  list      List things\n";

test.each<[what: string, words: string[], pages: Record<string, string>, kind: string, args: string[]]>([
  ["that takes the flag", ["x", "hi"], { x: WITH_FLAG }, "routed", ["x", "--standalone", "hi"]],
  ["that does not", ["x", "hi"], { x: WITHOUT }, "plain", ["x", "hi"]],
  ["whose help does not come", ["x", "hi"], {}, "routed", ["x", "--standalone", "hi"]],
  [
    "with a command that takes it",
    ["x", "ask", "hi"],
    { x: GROUP, "x ask": WITH_FLAG },
    "routed",
    ["x", "ask", "--standalone", "hi"],
  ],
  ["with a command that does not", ["x", "list"], { x: GROUP, "x list": WITHOUT }, "plain", ["x", "list"]],
  ["with a command whose help does not come", ["x", "a"], { x: GROUP }, "routed", ["x", "a", "--standalone"]],
  ["and a word that is no command of it", ["x", "secret plan"], { x: GROUP }, "plain", ["x", "secret plan"]],
])("opencode 2: an unknown command %s", async (_what, words, pages, kind, args) => {
  const asked = program(pages);
  expect(await opencode2.plan(words, asked)).toEqual({ kind, args } as never);
  // The text of a prompt is neither looked up nor cached.
  expect(asked.asked.join()).not.toContain("secret");
});

const settings = () => {
  const parsed = parseSettings({
    providers: { work: { base_url: "http://127.0.0.1:9", models: ["m"] } },
    models: [{ id: "work/m", context: 50_000, output: 4_000 }],
  });
  if ("faults" in parsed) throw new Error("the settings of this test are wrong");
  return parsed.settings;
};

interface Preparing {
  words?: string[];
  env?: Record<string, string>;
  configs?: Record<string, unknown>[];
  recent?: [provider: string, model: string][];
  isBare?: boolean;
}

/** The parsed configuration that opencode 2 gets for a run. */
function prepare({ words = [], env = {}, configs = [], recent, isBare = false }: Preparing = {}) {
  using folder = tempFolder();
  const home = folder.in("home");
  if (recent !== undefined) {
    mkdirSync(`${home}/.local/state/opencode`, { recursive: true });
    const list = recent.map(([providerID, modelID]) => ({ providerID, modelID }));
    writeFileSync(`${home}/.local/state/opencode/model.json`, JSON.stringify({ recent: list }));
  }
  const runDir = createRunDir(folder.in("runs"));
  const ids = isBare ? ["deepseek"] : ["work", "nvidia"];
  const usable = ids.flatMap((id) => providerOf(settings(), id) ?? []);
  const prepared = opencode2.prepare({
    file: "/bin/opencode",
    runDir,
    runRoot: folder.in("runs"),
    runId: "id",
    url: "http://127.0.0.1:4000",
    tokenFile: "/run/token",
    token: "the token",
    words,
    args: words,
    env,
    home,
    configs: () => configs.map((value) => ({ value })),
    known: { settings: isBare ? defaultSettings() : settings(), usable, catalog: undefined },
  });
  const file = prepared.env["OPENCODE_CONFIG"];
  return {
    prepared,
    content: JSON.parse(prepared.env["OPENCODE_CONFIG_CONTENT"] ?? "{}"),
    models: file === undefined ? undefined : JSON.parse(readFileSync(file, "utf8")),
  };
}

test("each provider is spoken to with the token in a header of its own, and told of with package, models and limits", () => {
  const { content, models } = prepare();
  for (const id of ["work", "nvidia"]) {
    expect(content.provider[id]).toMatchObject({
      npm: "@ai-sdk/openai-compatible",
      options: {
        baseURL: `http://127.0.0.1:4000/${id}/v1`,
        apiKey: "{file:/run/token}",
        headers: { "x-orouter-token": "{file:/run/token}" },
      },
    });
  }
  expect(models.provider.work.models).toEqual({
    m: expect.objectContaining({ name: "m", limit: { context: 50_000, output: 4_000 } }),
  });
});

test("the keys of its providers are kept from it, and so is an update under the run", () => {
  const { prepared } = prepare();
  expect(prepared.without).toContain("NVIDIA_API_KEY");
  expect(prepared.env["OPENCODE_DISABLE_AUTOUPDATE"]).toBe("1");
  expect(prepare({ env: { OPENCODE_DISABLE_AUTOUPDATE: "0" } }).prepared.env).not.toHaveProperty(
    "OPENCODE_DISABLE_AUTOUPDATE",
  );
});

test.each<[what: string, preparing: Preparing, model: string | undefined]>([
  ["nothing chosen", {}, "work/m"],
  ["a model in a config", { configs: [{ model: "nvidia/x" }] }, undefined],
  ["one of ours picked in its interface", { recent: [["nvidia", "x"]] }, undefined],
  [
    "the same, for a command that does not know of it",
    { recent: [["nvidia", "x"]], words: ["run", "hi"] },
    "work/m",
  ],
  [
    "a free model that it took by itself",
    {
      recent: [
        ["opencode", "big-pickle"],
        ["work", "m"],
      ],
    },
    "work/m",
  ],
  ["only models that are not ours", { recent: [["elsewhere", "x"]] }, "work/m"],
])("with %s it starts with %p", (_what, preparing, model) => {
  const { content } = prepare(preparing);
  expect(content.model).toBe(model);
  expect(content).not.toHaveProperty("disabled_providers");
});

test("a model that a config names is listed, since it would take another in its place", () => {
  const { models } = prepare({ configs: [{ model: "nvidia/own#high" }] });
  expect(Object.keys(models.provider.nvidia.models)).toContain("own");
});

test("where no model of ours is known, it must not take a free one of its own", () => {
  expect(prepare({ isBare: true }).content).toMatchObject({ disabled_providers: ["opencode"] });
});

test("beside a config of the user's own everything is in one variable", () => {
  const { prepared, content } = prepare({ env: { OPENCODE_CONFIG: "/home/me/opencode.json" } });
  expect(prepared.env).not.toHaveProperty("OPENCODE_CONFIG");
  expect(Object.keys(content.provider.work.models)).toEqual(["m"]);
});
