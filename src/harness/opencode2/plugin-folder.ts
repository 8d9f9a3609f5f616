import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TuiOptions } from "../plugin/plugin.ts";
import { PLUGIN_TEXT } from "../plugin/plugin-text.ts";
import type { ServerOptions } from "../plugin/server.ts";
import type { RunDir } from "../run/run-dir.ts";

export interface PluginFolderParts {
  runDir: RunDir;
  /** The proxy, without a final slash. */
  url: string;
  tokenFile: string;
  settings: { plugin: boolean; toasts: boolean; keyPrefix: string; shellKeys: boolean; tools: boolean };
  /** Variables that this run sets for opencode, with the user's own value or null; shell commands get these. */
  shellEnv: ServerOptions["shellEnv"];
}

const FOLDER = "orouter-plugin";

/**
 * Returns the plugin's path for the `plugin` list of the configuration. The server part is always included: it costs no
 * wait in opencode 2, and it keeps the run's variables out of shell commands.
 */
export function placePlugin({ runDir, url, tokenFile, settings, shellEnv }: PluginFolderParts): string {
  const { plugin, toasts, keyPrefix, shellKeys, tools } = settings;
  const options: TuiOptions & ServerOptions = {
    url,
    tokenFile,
    toasts,
    keyPrefix,
    shellKeys,
    tools,
    shellEnv,
  };
  const server = { ".": "./index.js", "./server": "./index.js" };
  const exports = plugin ? { ...server, "./tui": "./tui.js" } : server;
  const folder = join(runDir.path, FOLDER);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const write = (name: string, text: string): void => void runDir.write(join(FOLDER, name), text);
  write("package.json", JSON.stringify({ name: FOLDER, type: "module", exports }));
  write("options.json", JSON.stringify(options));
  write("index.js", PLUGIN_TEXT.server);
  if (plugin) write("tui.js", PLUGIN_TEXT.tui2);
  return folder;
}
