import { readFileSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** The file of our TUI plugin within a run's folder; by it the plugin of an outer orouter is known. */
export const TUI_PLUGIN_FILE = "orouter-tui.js";

export interface TuiConfigParts {
  /** The file the user's own OPENCODE_TUI_CONFIG names, if any: opencode reads only one. */
  theirs: string | undefined;
  pluginFile: string;
  options: object;
}

/** The tui.json of one run: what the user's own says, with our plugin added. */
export function tuiConfig({ theirs, pluginFile, options }: TuiConfigParts): object {
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

/** A file that opencode could not read either is as good as none: the rest of the run must not suffer from it. */
function readConfig(file: string): Record<string, unknown> {
  try {
    const value: unknown = Bun.JSONC.parse(readFileSync(file, "utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}

/** The plugin of an outer orouter speaks to a proxy that is not ours, and opencode takes each plugin once. */
function isOurs(entry: unknown): boolean {
  return specOf(entry).endsWith(`/${TUI_PLUGIN_FILE}`);
}

/** Relative paths are relative to the file they stand in, and that is another now. */
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
