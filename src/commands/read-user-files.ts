import { loadKeys } from "../config/keys.ts";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import type { Env, Paths } from "../config/paths.ts";
import type { Key } from "../core/key.ts";
import type { Settings } from "../core/settings/settings.ts";

/** What the user's files and environment come to. */
export interface UserFiles {
  settings: Settings;
  keys: readonly Key[];
  /** What a person should hear of them; never a secret. */
  notes: string[];
  /** The variables that carried keys, for the launcher to keep from its child. */
  variables: string[];
}

export interface UserPlaces {
  paths: Paths;
  env: Env;
}

/** Reads config.toml, unless that has been done, and then every key there is. A faulty file is a Problem. */
export async function readUserFiles(
  { paths, env }: UserPlaces,
  config: LoadedConfig | undefined = undefined,
): Promise<UserFiles> {
  const { settings, warnings } = config ?? (await loadConfig(paths));
  const { keys, notes, variables } = await loadKeys({ paths, settings, env });
  return { settings, keys, notes: [...warnings, ...notes], variables };
}
