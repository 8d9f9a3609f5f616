import { defaultSettings, parseSettings, type Settings } from "../core/settings/settings.ts";
import type { Paths } from "./paths.ts";
import { describeFaults, faultsProblem, readToml } from "./toml-edit.ts";

export interface LoadedConfig {
  settings: Settings;
  warnings: string[];
}

/** No file means the defaults. The Problem about an invalid file names every fault and its position. */
export async function loadConfig(paths: Pick<Paths, "configFile">): Promise<LoadedConfig> {
  const file = paths.configFile;
  const toml = await readToml(file);
  if (toml === undefined) return { settings: defaultSettings(), warnings: [] };
  const parsed = parseSettings(toml.value);
  if ("faults" in parsed) throw await faultsProblem(file, toml.text, parsed.faults);
  return { settings: parsed.settings, warnings: await describeFaults(file, toml.text, parsed.warnings) };
}
