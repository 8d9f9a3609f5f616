import { isTable } from "../core/settings/checks.ts";
import { parseSettings, type Settings } from "../core/settings/settings.ts";
import type { TomlValue } from "./edit.ts";
import { editConfig } from "./edit-config.ts";
import { type ConfigAddition, firstConfig } from "./first-config.ts";
import type { Paths } from "./paths.ts";
import { readToml } from "./toml-file.ts";

/** Adds providers and a chain to config.toml. What is there already stays as it is; a file that is new gets comments. */
export async function addToConfig(
  paths: Pick<Paths, "configFile">,
  addition: ConfigAddition,
): Promise<boolean> {
  return await editConfig(paths, (value) => withAddition(value, addition), firstConfig(addition));
}

/** The settings as they would be; nothing is written. */
export async function settingsWith(
  paths: Pick<Paths, "configFile">,
  addition: ConfigAddition,
): Promise<Settings> {
  const toml = await readToml(paths.configFile);
  const parsed = parseSettings(withAddition(toml?.value ?? {}, addition));
  if ("settings" in parsed) return parsed.settings;
  throw new Error(`an addition breaks the settings: ${parsed.faults[0]?.what}`);
}

function withAddition(value: TomlValue, { providers, chain }: ConfigAddition): TomlValue {
  const chains = chain === undefined ? {} : { [chain.name]: [...chain.models] };
  return { ...value, ...merged(value, "providers", providers), ...merged(value, "chains", chains) };
}

/** A table with what it lacks; an empty one is not made. */
function merged(value: TomlValue, name: string, added: Readonly<Record<string, unknown>>): TomlValue {
  if (Object.keys(added).length === 0) return {};
  const old = isTable(value[name]) ? value[name] : {};
  return { [name]: { ...old, ...added, ...old } };
}
