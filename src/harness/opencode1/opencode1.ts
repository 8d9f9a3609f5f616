import { readFileSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { CHAIN_PROVIDER } from "../../core/model-ref.ts";
import { OPENCODE_NAMES, type OpencodeNames } from "../../core/opencode-config/opencode-config.ts";
import { defaultModel } from "../../core/overlay/default-model.ts";
import { needsModels, opencodeId } from "../../core/overlay/opencode-providers.ts";
import type { Harness, PreparedRun, RunParts, StartPlan } from "../harness.ts";
import { hasChosenModel } from "../opencode/chosen-model.ts";
import { placeRunConfig } from "../opencode/run-config.ts";
import type { TuiOptions } from "../plugin/plugin.ts";
import { PLUGIN_TEXT } from "../plugin/plugin-text.ts";
import type { ServerOptions } from "../plugin/server.ts";
import { USUAL_SIGNALS } from "../run/child.ts";
import type { RunDir } from "../run/run-dir.ts";

export interface PluginPlaces {
  runDir: RunDir;
  url: string;
  tokenFile: string;
  env: Readonly<Record<string, string | undefined>>;
  /** opencode's own arguments: `--pure` disables plugins. */
  args: readonly string[];
  settings: { plugin: boolean; toasts: boolean; keyPrefix: string; shellKeys: boolean; tools: boolean };
}

/** What the plugins need in opencode's environment and configuration. */
export interface PlacedPlugins {
  env: Record<string, string>;
  /** For the `plugin` list of opencode's configuration. */
  entries: [spec: string, options: object][];
}

/**
 * Any server plugin makes opencode install a package from npm before the first prompt, which takes more than a minute
 * if no registry answers. One attempt with a short timeout limits that; an installed package is used.
 */
const NPM_BOUNDS = { npm_config_fetch_retries: "0", npm_config_fetch_timeout: "5000" };

/** Writes only the plugins that are needed. */
export function placePlugins(places: PluginPlaces): PlacedPlugins {
  const none = { env: {}, entries: [] };
  if (isPure(places.args, places.env)) return none;
  const tui = places.settings.plugin ? placeTui(places) : {};
  const server = wantsServerPlugin(places.settings) ? placeServer(places) : none;
  return { env: { ...tui, ...server.env }, entries: server.entries };
}

/** Whether the settings need a server plugin. */
export function wantsServerPlugin({ shellKeys, tools }: { shellKeys: boolean; tools: boolean }): boolean {
  return shellKeys || tools;
}

/** Whether opencode runs without third-party plugins. */
export function isPure(args: readonly string[], env: PluginPlaces["env"]): boolean {
  const end = args.indexOf("--");
  const isTrue = ["1", "true"].includes(env["OPENCODE_PURE"]?.toLowerCase() ?? "");
  return isTrue || (end < 0 ? args : args.slice(0, end)).includes("--pure");
}

function placeTui({ runDir, url, tokenFile, env, settings }: PluginPlaces): Record<string, string> {
  const { toasts, keyPrefix } = settings;
  const options: TuiOptions = { url, tokenFile, toasts, keyPrefix };
  const pluginFile = runDir.write(TUI_PLUGIN_FILE, PLUGIN_TEXT.tui1);
  const config = tuiConfig({ theirs: env["OPENCODE_TUI_CONFIG"], pluginFile, options });
  return {
    OPENCODE_TUI_CONFIG: runDir.write("tui.json", JSON.stringify(config)),
    // Otherwise opencode would record our plugin of this run among the user's own.
    OPENCODE_PLUGIN_META_FILE: `${runDir.path}/plugin-meta.json`,
  };
}

function placeServer({ runDir, url, tokenFile, env, settings }: PluginPlaces): PlacedPlugins {
  const bounds = Object.entries(NPM_BOUNDS).filter(([name]) => env[name] === undefined);
  const { shellKeys, tools } = settings;
  // A plugin of opencode 1 cannot remove a variable; npm ignores empty values.
  const shellEnv = Object.fromEntries(bounds.map(([name]) => [name, ""]));
  const options: ServerOptions = { url, tokenFile, shellKeys, tools, shellEnv };
  const file = runDir.write("orouter-server.js", PLUGIN_TEXT.server);
  return { env: Object.fromEntries(bounds), entries: [[pathToFileURL(file).href, options]] };
}

/** The file name of our TUI plugin, which also identifies the plugin of an outer orouter. */
const TUI_PLUGIN_FILE = "orouter-tui.js";

interface TuiConfigParts {
  /** The file in the user's own OPENCODE_TUI_CONFIG, if any: opencode reads only one. */
  theirs: string | undefined;
  pluginFile: string;
  options: object;
}

/** The user's own tui.json plus our plugin. */
function tuiConfig({ theirs, pluginFile, options }: TuiConfigParts): object {
  const own = theirs === undefined || theirs === "" ? {} : readConfig(theirs);
  const plugins = Array.isArray(own["plugin"]) ? own["plugin"] : [];
  return {
    $schema: "https://opencode.ai/tui.json",
    ...own,
    plugin: [
      ...plugins.filter((entry) => !isOurs(entry)).map((entry) => fromHere(entry, theirs ?? "")),
      [pathToFileURL(pluginFile).href, options],
    ],
  };
}

/** opencode could not read an invalid file either, so ignore it. */
function readConfig(file: string): Record<string, unknown> {
  try {
    const value: unknown = Bun.JSONC.parse(readFileSync(file, "utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}

/** The plugin of an outer orouter uses another proxy, and opencode loads each plugin once. */
function isOurs(entry: unknown): boolean {
  return specOf(entry).endsWith(`/${TUI_PLUGIN_FILE}`);
}

/** Relative paths refer to the folder of their file, which is another one now. */
function fromHere(entry: unknown, file: string): unknown {
  const spec = specOf(entry);
  if (!/^\.{1,2}\//.test(spec) || isAbsolute(spec)) return entry;
  const absolute = resolve(dirname(file), spec);
  return Array.isArray(entry) ? [absolute, ...entry.slice(1)] : absolute;
}

function specOf(entry: unknown): string {
  const spec: unknown = Array.isArray(entry) ? entry[0] : entry;
  return typeof spec === "string" ? spec : "";
}

/** opencode 1: one process, configured by its environment. */
export const opencode1: Harness = opencode1For(OPENCODE_NAMES);

/** opencode 1, or a fork with other file names. */
export function opencode1For(names: OpencodeNames): Harness {
  return {
    profile: "opencode1",
    // Before 1.0 the configuration was read differently.
    versions: { oldest: [1, 0, 0], tried: "1.18.33" },
    plan: async (words) => planOf(words),
    prepare: (run) => prepare(run, names),
    signals: USUAL_SIGNALS,
    printsLines,
    showsPlugin: (words, env) => !WITHOUT_INTERFACE.has(words[0] ?? "") && !isPure(words, env),
    waitsForList: needsModels,
    waitsForNpm: true,
  };
}

/** Commands that never call a model run without the proxy and without a key. */
const PLAIN = new Set([
  "auth",
  "providers",
  "upgrade",
  "uninstall",
  "completion",
  "db",
  "session",
  "export",
  "import",
  "stats",
  "plugin",
  "plug",
  "mcp",
]);

/** Commands that call models without an interface: they have no place for the plugin. */
const WITHOUT_INTERFACE = new Set(["run", "serve", "web", "acp", "models", "debug", "agent", "github", "pr"]);

const INFO_FLAGS = new Set(["--version", "-v", "--help", "-h"]);

function planOf(words: readonly string[]): StartPlan {
  const [first] = words;
  const isPlain =
    first !== undefined && (PLAIN.has(first) || INFO_FLAGS.has(first) || asksHelpOfCommand(words));
  return { kind: isPlain ? "plain" : "routed", args: words };
}

/** `opencode run --help`; after `--`, or in a prompt, it is text. */
function asksHelpOfCommand(words: readonly string[]): boolean {
  const last = words.at(-1);
  return words.length === 2 && !words[0]?.startsWith("-") && (last === "--help" || last === "-h");
}

/** Flags that make `run` draw on the whole terminal. */
const DRAWING = new Set(["-i", "--interactive", "--mini"]);

function printsLines(words: readonly string[]): boolean {
  return words[0] === "run" && !words.some((word) => DRAWING.has(word));
}

function prepare(run: RunParts, names: OpencodeNames): PreparedRun {
  const { runDir, url, tokenFile, env, words, known } = run;
  const { usable, settings } = known;
  const plugins = placePlugins({ runDir, url, tokenFile, env, args: words, settings: settings.opencode });
  const isChosen = hasChosenModel({ env, home: run.home, configs: run.configs() }, names);
  const model = run.model ?? (isChosen ? undefined : defaultModel(usable, settings));
  const config = placeRunConfig({ ...run, plugins: plugins.entries, model, listing: "what-it-lacks" });
  return {
    env: { ...plugins.env, ...config.env },
    providers: [CHAIN_PROVIDER, ...usable.map(({ id }) => opencodeId(id))],
    without: [],
    tellModels: config.tellModels,
  };
}
