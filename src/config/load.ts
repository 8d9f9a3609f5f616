import { defaultSettings, parseSettings, type Settings } from "../core/settings/settings.ts";
import type { Paths } from "./paths.ts";
import { describeFaults, faultsProblem, readToml } from "./toml-edit.ts";

/** Settings with what a person should hear about them. */
export interface LoadedConfig {
  settings: Settings;
  warnings: string[];
}

/** Reads config.toml; no file means the defaults. A wrong file is a Problem that names every fault and its place. */
export async function loadConfig(paths: Pick<Paths, "configFile">): Promise<LoadedConfig> {
  const file = paths.configFile;
  const toml = await readToml(file);
  if (toml === undefined) return { settings: defaultSettings(), warnings: [] };
  const parsed = parseSettings(toml.value);
  if ("faults" in parsed) throw await faultsProblem(file, toml.text, parsed.faults);
  return { settings: parsed.settings, warnings: await describeFaults(file, toml.text, parsed.warnings) };
}
