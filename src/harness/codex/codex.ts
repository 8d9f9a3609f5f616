import { isObject, type JsonObject, parseJson } from "../../core/json.ts";
import { CHAIN_PROVIDER, formatModelRef } from "../../core/model-ref.ts";
import { defaultRef } from "../../core/overlay/default-model.ts";
import { ASSUMED } from "../../core/overlay/opencode-providers.ts";
import { windowOf } from "../../core/overlay/window.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { namedModels } from "../../core/routing/targets.ts";
import type { Agent, Harness, PreparedRun, RunParts, StartPlan } from "../harness.ts";
import { checkRules } from "../opencode/project-check.ts";
import { USUAL_SIGNALS, withoutOurs } from "../run/child.ts";
import { isNamed, locateProgram, otherPrograms, type ProgramSearch } from "../run/locate.ts";
import type { ProgramFacts } from "../run/program.ts";

/** The model to start with: as it was asked for, as config.toml says, or the usual one. */
export function startModel({ model, known }: Pick<RunParts, "model" | "known">): string | undefined {
  const { settings, usable, catalog } = known;
  const usual = defaultRef(usable, settings, catalog);
  return model ?? settings.agents.codex.model ?? (usual === undefined ? undefined : formatModelRef(usual));
}

/** It answers within a few hundredths of a second. */
const ANSWER_MS = 5_000;

/**
 * Codex's table of models with ours in it: without one it warns of every model that it does not know, and assumes a
 * window. Ours are described like one of its own, whose prompt and tools any model can use. Undefined for a version
 * that does not print its table; it works without, too.
 */
export function codexCatalog(
  run: Pick<RunParts, "file" | "env" | "known" | "words">,
  first: string,
): string | undefined {
  const shown = Bun.spawnSync([run.file, "debug", "models"], {
    env: withoutOurs(run.env),
    stdin: "ignore",
    stderr: "ignore",
    timeout: ANSWER_MS,
  });
  const table = shown.success ? parseJson(shown.stdout.toString()) : undefined;
  const entries = isObject(table) && Array.isArray(table["models"]) ? table["models"].filter(isObject) : [];
  // The newest describe tools that only OpenAI's own service understands.
  const template = entries.findLast(
    (one) => one["use_responses_lite"] !== true && one["visibility"] === "list",
  );
  if (template === undefined) return undefined;
  return JSON.stringify({
    models: listedModels(run, first).map((ref, at) => entryOf(template, ref, at, run)),
  });
}

/** Models with a place in Codex's list; more than these are found by their name. */
const MAX_LISTED = 100;

/** What was asked for comes first, then chains, then what the settings name and the providers list. */
function listedModels({ known, words }: Pick<RunParts, "known" | "words">, first: string): string[] {
  const { settings, usable, catalog } = known;
  const asked = words.flatMap((word, at) => (/^(?:-m|--model)$/.test(word) ? (words[at + 1] ?? []) : []));
  const chains = Object.keys(settings.chains).map((name) => `${CHAIN_PROVIDER}/${name}`);
  const listed = usable.flatMap(({ id, models }) => {
    const ids = [...models, ...(catalog?.modelsOf(id) ?? []).map((entry) => entry.id)];
    return ids.map((model) => `${id}/${model}`);
  });
  const all = [first, ...asked, ...chains, ...namedModels(settings).map(formatModelRef), ...listed];
  return [...new Set(all)].slice(0, MAX_LISTED);
}

function entryOf(
  template: JsonObject,
  ref: string,
  priority: number,
  { known: { settings, catalog } }: Pick<RunParts, "known">,
): JsonObject {
  const window = windowOf(ref, settings, catalog) ?? ASSUMED.context;
  const inputs = catalog?.find(ref)?.inputs ?? ["text"];
  return {
    ...template,
    slug: ref,
    display_name: ref,
    description: "through orouter",
    context_window: window,
    max_context_window: window,
    priority,
    supported_reasoning_levels: [],
    default_reasoning_level: null,
    apply_patch_tool_type: null,
    supports_search_tool: false,
    support_verbosity: false,
    default_verbosity: null,
    additional_speed_tiers: [],
    service_tiers: [],
    default_service_tier: null,
    availability_nux: null,
    upgrade: null,
    input_modalities: inputs.includes("image") ? ["text", "image"] : ["text"],
  };
}

const SEARCH: ProgramSearch = {
  name: "codex",
  installs: [{ what: "Codex", command: ["npm", "install", "-g", "@openai/codex"] }],
  table: "agents.codex",
  configured: (settings) => settings.agents.codex.path,
  homeFolders: [".local/bin"],
};

/** Codex: configured by flags over the user's config.toml, which stays as it is. */
export const codex: Agent = {
  name: SEARCH.name,
  table: SEARCH.table,
  promptLine: 'orouter codex exec "…"',
  installs: SEARCH.installs,
  locate: (options) => locateProgram(options, SEARCH),
  isNamed: (options) => isNamed(options, SEARCH),
  findOthers: (used, options) => otherPrograms(used, options, SEARCH),
  packages: /^@openai\/codex/,
  isInfo: ([word, ...more]) => more.length === 0 && /^(?:-V|--version|-h|--help|help)$/.test(word ?? ""),
  harnessFor: () => codexHarness,
  checkProject: (check) => checkRules(check, "codex", ["AGENTS.md", "AGENTS.override.md"]),
  findLeftService: () => undefined,
  cleanEnv: (env) => withoutOurs(env),
};

/** The variable that carries the token: a flag would show it in the list of processes. */
const TOKEN_VARIABLE = "OROUTER_TOKEN";

const PROVIDER = "orouter";

const codexHarness: Harness = {
  profile: "codex",
  versions: { oldest: [0, 100, 0], tried: "0.171.0" },
  plan,
  prepare,
  signals: USUAL_SIGNALS,
  printsLines: (words) => findCommand(words).command === "exec",
  showsPlugin: () => false,
  waitsForList: () => false,
  waitsForNpm: false,
};

/** Commands that ask no model, or a server of their own. */
const PLAIN = new Set([
  "login",
  "logout",
  "mcp",
  "plugin",
  "remote-control",
  "completion",
  "update",
  "doctor",
  "sandbox",
  "debug",
  "apply",
  "a",
  "queue",
  "archive",
  "delete",
  "migrate-rollouts",
  "migrate-nfs-db",
  "unarchive",
  "cloud",
  "exec-server",
  "features",
  "help",
]);

/** Commands that ask models; any other word begins a prompt. */
const ROUTED = new Set(["exec", "e", "review", "resume", "fork", "agents", "app-server", "mcp-server"]);

/** Options with a value in the next word. */
const VALUED = new Set([
  ...["-c", "--config", "--enable", "--disable", "--remote", "--remote-auth-token-env", "-i", "--image"],
  ...["-m", "--model", "--local-provider", "-p", "--profile", "-s", "--sandbox", "-C", "--cd", "--add-dir"],
  ...["-a", "--ask-for-approval"],
]);

interface FoundCommand {
  /** Undefined: the interface, with or without a prompt. */
  command: string | undefined;
  /** The words before it, or all of them. */
  options: readonly string[];
  next: string | undefined;
}

function findCommand(words: readonly string[]): FoundCommand {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") return { command: undefined, options: words.slice(0, at), next: undefined };
    if (word.startsWith("-")) {
      if (VALUED.has(word)) at++;
      continue;
    }
    const isCommand = PLAIN.has(word) || ROUTED.has(word);
    if (!isCommand) return { command: undefined, options: words.slice(0, at), next: undefined };
    return { command: word === "e" ? "exec" : word, options: words.slice(0, at), next: words[at + 1] };
  }
  return { command: undefined, options: words, next: undefined };
}

/** The interface of newer versions uses a background server, which keeps the settings of whoever started it. */
const NO_DAEMON = "--no-daemon";
const WITH_DAEMON = new Set<string | undefined>([undefined, "resume", "fork", "agents"]);

async function plan(words: readonly string[], program: ProgramFacts): Promise<StartPlan> {
  const { command, options, next } = findCommand(words);
  const asksHelp = words.at(-1) === "--help" || words.at(-1) === "-h";
  if (PLAIN.has(command ?? "") || (command === "app-server" && next === "daemon") || asksHelp)
    return { kind: "plain", args: words };
  if (options.includes("--oss")) return { kind: "plain", args: words, note: OTHER_MODELS };
  if (options.some((word) => /^--remote(?:=|$)/.test(word)))
    return { kind: "plain", args: words, note: OTHER_SERVER };
  if (!WITH_DAEMON.has(command) || words.includes(NO_DAEMON)) return { kind: "routed", args: words };
  const page = await program.help([]);
  return { kind: "routed", args: page?.includes(NO_DAEMON) === true ? [NO_DAEMON, ...words] : words };
}

const OTHER_MODELS = "--oss: Codex asks a model on this machine, not through orouter.";
const OTHER_SERVER = "--remote: the models are those of that server. Its requests do not go through orouter.";

function prepare(run: RunParts): PreparedRun {
  const { url, token } = run;
  const model = startModel(run);
  if (model === undefined)
    throw new Problem({
      code: "no-model",
      what: "No model is known that Codex could start with.",
      fix: "Create a chain: orouter chain. Or name a model under [agents.codex] in config.toml.",
      exit: EXIT.config,
    });
  const provider = `{name=${quoted("orouter")},base_url=${quoted(`${url}/v1`)},env_key=${quoted(TOKEN_VARIABLE)},wire_api="responses"}`;
  const catalog = codexCatalog(run, model);
  const settings: readonly (readonly [string, string])[] = [
    ["model_provider", quoted(PROVIDER)],
    [`model_providers.${PROVIDER}`, provider],
    ["model", quoted(model)],
    ...(catalog === undefined
      ? []
      : [["model_catalog_json", quoted(run.runDir.write("models.json", catalog))] as const]),
  ];
  return {
    args: [...settings.flatMap(([name, value]) => ["-c", `${name}=${value}`]), ...run.args],
    env: { [TOKEN_VARIABLE]: token },
    providers: [PROVIDER],
    without: [],
    tellModels: () => false,
  };
}

/** A text of TOML; paths and ids hold nothing that JSON would write in another way. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
