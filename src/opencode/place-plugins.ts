import { pathToFileURL } from "node:url";
import type { ServerOptions, TuiOptions } from "./plugin/plugin-options.ts";
import { PLUGIN_TEXT } from "./plugin/plugin-text.ts";
import type { RunDir } from "./run-dir.ts";
import { TUI_PLUGIN_FILE, tuiConfig } from "./tui-config.ts";

export interface PluginPlaces {
  runDir: RunDir;
  url: string;
  tokenFile: string;
  env: Readonly<Record<string, string | undefined>>;
  /** opencode's own arguments: `--pure` is the wish for no plugins. */
  args: readonly string[];
  settings: { plugin: boolean; toasts: boolean; keyPrefix: string; shellKeys: boolean; tools: boolean };
}

/** What the plugins need of opencode's environment and configuration. */
export interface PlacedPlugins {
  env: Record<string, string>;
  /** For the `plugin` list of opencode's configuration. */
  entries: [spec: string, options: object][];
}

/**
 * Any server plugin has opencode install a package from npm before the first prompt, which takes more than a minute
 * where no registry answers. One try and a short wait bound that; what is there already is used.
 */
const NPM_BOUNDS = { npm_config_fetch_retries: "0", npm_config_fetch_timeout: "5000" };

/** Writes the plugins into the run's folder, as far as they are wanted. */
export function placePlugins(places: PluginPlaces): PlacedPlugins {
  const none = { env: {}, entries: [] };
  if (isPure(places.args, places.env)) return none;
  const tui = places.settings.plugin ? placeTui(places) : {};
  const server = wantsServerPlugin(places.settings) ? placeServer(places) : none;
  return { env: { ...tui, ...server.env }, entries: server.entries };
}

/** Whether the settings ask for what only a server plugin can do. */
export function wantsServerPlugin({ shellKeys, tools }: { shellKeys: boolean; tools: boolean }): boolean {
  return shellKeys || tools;
}

/** Whether opencode is started without any plugins but its own. */
export function isPure(args: readonly string[], env: PluginPlaces["env"]): boolean {
  const end = args.indexOf("--");
  const isTrue = ["1", "true"].includes(env["OPENCODE_PURE"]?.toLowerCase() ?? "");
  return isTrue || (end < 0 ? args : args.slice(0, end)).includes("--pure");
}

function placeTui({ runDir, url, tokenFile, env, settings }: PluginPlaces): Record<string, string> {
  const { toasts, keyPrefix } = settings;
  const options: TuiOptions = { url, tokenFile, toasts, keyPrefix };
  const pluginFile = runDir.write(TUI_PLUGIN_FILE, PLUGIN_TEXT.tui);
  const config = tuiConfig({ theirs: env["OPENCODE_TUI_CONFIG"], pluginFile, options });
  return {
    OPENCODE_TUI_CONFIG: runDir.write("tui.json", JSON.stringify(config)),
    // Else opencode would note our plugin, of this one run, among the user's own.
    OPENCODE_PLUGIN_META_FILE: `${runDir.path}/plugin-meta.json`,
  };
}

function placeServer({ runDir, url, tokenFile, env, settings }: PluginPlaces): PlacedPlugins {
  const bounds = Object.entries(NPM_BOUNDS).filter(([name]) => env[name] === undefined);
  const { shellKeys, tools } = settings;
  const npmVariables = bounds.map(([name]) => name);
  const options: ServerOptions = { url, tokenFile, shellKeys, tools, npmVariables };
  const file = runDir.write("orouter-server.js", PLUGIN_TEXT.server);
  return { env: Object.fromEntries(bounds), entries: [[pathToFileURL(file).href, options]] };
}
