import { readFileSync } from "node:fs";
import { claudeModel } from "../../core/client/claude.ts";
import { isObject, type JsonObject } from "../../core/json.ts";
import { formatModelRef } from "../../core/model-ref.ts";
import { defaultRef } from "../../core/overlay/default-model.ts";
import { ASSUMED } from "../../core/overlay/opencode-providers.ts";
import { windowOf } from "../../core/overlay/window.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import type { Agent, Harness, PreparedRun, RunParts, StartPlan } from "../harness.ts";
import { checkRules } from "../opencode/project-check.ts";
import { USUAL_SIGNALS, withoutOurs } from "../run/child.ts";
import { isNamed, locateProgram, otherPrograms, type ProgramSearch } from "../run/locate.ts";

const SEARCH: ProgramSearch = {
  name: "claude",
  installs: [{ what: "Claude Code", command: ["npm", "install", "-g", "@anthropic-ai/claude-code"] }],
  table: "agents.claude",
  configured: (settings) => settings.agents.claude.path,
  homeFolders: [".local/bin", ".claude/local"],
};

/** Claude Code: configured by variables, which a settings file of the run puts above those of the user's own files. */
export const claude: Agent = {
  name: SEARCH.name,
  table: SEARCH.table,
  // Without a terminal it prints an answer to what it reads from stdin.
  promptLine: undefined,
  installs: SEARCH.installs,
  locate: (options) => locateProgram(options, SEARCH),
  isNamed: (options) => isNamed(options, SEARCH),
  findOthers: (used, options) => otherPrograms(used, options, SEARCH),
  packages: /^@anthropic-ai\/claude-code/,
  isInfo: ([word, ...more]) => more.length === 0 && /^(?:-v|--version|-h|--help)$/.test(word ?? ""),
  harnessFor: () => claudeHarness,
  checkProject: (check) => checkRules(check, "claude", ["CLAUDE.md", "CLAUDE.local.md", ".claude/CLAUDE.md"]),
  findLeftService: () => undefined,
  cleanEnv: (env) => withoutOurs(env),
};

const claudeHarness: Harness = {
  profile: "claude",
  versions: { oldest: [2, 0, 0], tried: "2.1.332" },
  plan: async (words) => planOf(words),
  prepare,
  signals: USUAL_SIGNALS,
  printsLines: (words) => words.some((word) => word === "-p" || word === "--print"),
  showsPlugin: () => false,
  waitsForList: () => false,
  waitsForNpm: false,
};

/** Commands that ask no model, or run in the background or in the cloud. */
const PLAIN = new Set([
  ...[
    "agents",
    "attach",
    "auth",
    "auto-mode",
    "daemon",
    "doctor",
    "gateway",
    "import",
    "install",
    "kill",
    "logs",
  ],
  ...["mcp", "plugin", "plugins", "purge", "remote-control", "respawn", "rm", "setup-token", "stop"],
  ...["ultrareview", "update", "upgrade"],
]);

/** Options for sessions on Anthropic's own machines. */
const IN_CLOUD = new Set(["--cloud", "--teleport", "--remote-control", "--desktop"]);
const IN_BACKGROUND = new Set(["--bg", "--background"]);

function planOf(words: readonly string[]): StartPlan {
  const options = ownOptions(words);
  if (PLAIN.has(words[0] ?? "") || options.some((word) => IN_CLOUD.has(nameOf(word))))
    return { kind: "plain", args: words };
  if (options.some((word) => IN_BACKGROUND.has(word)))
    throw new Problem({
      code: "background-session",
      what: "A background session would outlive this run, and with it the proxy that it needs.",
      fix: "Leave out --bg. To keep a session running, start orouter claude in tmux or screen.",
      exit: EXIT.usage,
    });
  return { kind: "routed", args: words };
}

/** The words in which options can be: behind `--` everything is a prompt. */
function ownOptions(words: readonly string[]): readonly string[] {
  const end = words.indexOf("--");
  return end < 0 ? words : words.slice(0, end);
}

function nameOf(word: string): string {
  return word.split("=", 1)[0] ?? word;
}

/** Variables of the user's by which Claude Code would go elsewhere, or send a key of theirs. */
const THEIRS = [
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_MODEL",
  "ANTHROPIC_SMALL_FAST_MODEL",
  "ANTHROPIC_CUSTOM_HEADERS",
  "CLAUDE_CODE_SUBAGENT_MODEL",
  "CLAUDE_CODE_OAUTH_TOKEN",
  "CLAUDE_CODE_USE_ANTHROPIC_AWS",
  "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
  "CLAUDE_CODE_USE_BEDROCK",
  "CLAUDE_CODE_USE_FOUNDRY",
  "CLAUDE_CODE_USE_GATEWAY",
  "CLAUDE_CODE_USE_MANTLE",
  "CLAUDE_CODE_USE_VERTEX",
];

function prepare(run: RunParts): PreparedRun {
  const env = { ...endpoint(run), ...models(run) };
  const { own, others } = splitSettings(run.args);
  // An empty variable counts as none. In the user's settings they may be set as well, so it is not enough to leave them out.
  const none = Object.fromEntries(THEIRS.filter((name) => !(name in env)).map((name) => [name, ""]));
  const settings = withEnv(own === undefined ? {} : readSettings(own), { ...none, ...env });
  const file = run.runDir.write("settings.json", JSON.stringify(settings));
  return {
    args: ["--settings", file, ...others],
    env,
    providers: [],
    without: THEIRS,
    tellModels: () => false,
  };
}

function endpoint({ url, token, args, env }: RunParts): Record<string, string> {
  // In its minimal mode it takes a key only.
  const isBare = ownOptions(args).includes("--bare") || isOn(env["CLAUDE_CODE_SIMPLE"]);
  return {
    ANTHROPIC_BASE_URL: url,
    ...(isBare ? { ANTHROPIC_API_KEY: token } : { ANTHROPIC_AUTH_TOKEN: token }),
    // A text at the start of the prompt that changes with every request spoils prompt caches.
    CLAUDE_CODE_ATTRIBUTION_HEADER: "0",
  };
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && /^(?:1|true|yes|on)$/i.test(value);
}

/** What `opus`, `sonnet` and `haiku` mean, and how large the smallest window of them is. */
function models({ model, known }: RunParts): Record<string, string> {
  const { settings, usable, catalog } = known;
  const sources = { settings, hasKey: (id: string) => usable.some((provider) => provider.id === id) };
  const usual = defaultRef(usable, settings, catalog);
  const fallback = usual === undefined || sources.hasKey("anthropic") ? undefined : formatModelRef(usual);
  const named = {
    OPUS: claudeModel("opus", sources) ?? fallback,
    FABLE: claudeModel("opus", sources) ?? fallback,
    SONNET: claudeModel("sonnet", sources) ?? fallback,
    HAIKU: claudeModel("haiku", sources) ?? fallback,
  };
  const main = model ?? settings.agents.claude.model;
  const ours = [main, ...Object.values(named)].filter((one) => one !== undefined);
  if (ours.length === 0) return {};
  const windows = ours.map((one) => windowOf(one, settings, catalog) ?? ASSUMED.context);
  const set = Object.entries(named).flatMap(([family, one]) =>
    one === undefined ? [] : [[`ANTHROPIC_DEFAULT_${family}_MODEL`, one]],
  );
  return {
    ...(main === undefined ? {} : { ANTHROPIC_MODEL: main }),
    ...Object.fromEntries(set),
    // Of a model that it does not know it assumes a million tokens.
    CLAUDE_CODE_MAX_CONTEXT_TOKENS: String(Math.min(...windows)),
    CLAUDE_CODE_DISABLE_1M_CONTEXT: "1",
  };
}

const SETTINGS = "--settings";

/** The user's own `--settings`, the last of which counts, and the other words. */
function splitSettings(words: readonly string[]): { own: string | undefined; others: string[] } {
  const end = ownOptions(words).length;
  const others: string[] = [];
  let own: string | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (at >= end || nameOf(word) !== SETTINGS) others.push(word);
    else if (word === SETTINGS) own = words[++at];
    else own = word.slice(SETTINGS.length + 1);
  }
  return { own, others };
}

/** A file or JSON, as Claude Code takes it. */
function readSettings(own: string): JsonObject {
  try {
    const value: unknown = JSON.parse(own.trimStart().startsWith("{") ? own : readFileSync(own, "utf8"));
    if (isObject(value)) return value;
  } catch {
    // Said below, without the content: it may hold a key.
  }
  throw new Problem({
    code: "claude-settings",
    what: "--settings names neither a readable JSON file nor a JSON object.",
    fix: "Correct it; orouter adds its own variables to those settings.",
    exit: EXIT.usage,
  });
}

function withEnv(settings: JsonObject, env: Record<string, string>): JsonObject {
  const own = isObject(settings["env"]) ? settings["env"] : {};
  return { ...settings, env: { ...own, ...env } };
}
