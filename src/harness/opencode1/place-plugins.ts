import { readFileSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { TuiOptions } from "../plugin/plugin.ts";
import { PLUGIN_TEXT } from "../plugin/plugin-text.ts";
import type { ServerOptions } from "../plugin/server.ts";
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
