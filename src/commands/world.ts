import { talk } from "../cli/talk.ts";
import { loadKeyEntries } from "../config/keys-file.ts";
import { type Env, type Paths, resolvePaths } from "../config/paths.ts";
import type { Key } from "../core/key.ts";
import type { KeyEntry } from "../core/settings/keys.ts";
import type { Settings } from "../core/settings/settings.ts";
import { readUserFiles } from "./read-user-files.ts";

/** What the commands about keys work on, as it was when they began. */
export interface World {
  env: Env;
  paths: Paths;
  settings: Settings;
  /** What keys.toml says, also about keys whose secret is not there at the moment. */
  entries: readonly KeyEntry[];
  /** Every key that can be used, from wherever. */
  keys: readonly Key[];
}

/** Reads settings and keys once, and tells what is odd about them. */
export async function readWorld(env: Env = process.env): Promise<World> {
  const { world, notes } = await loadWorld(env);
  for (const note of notes) talk.warn(note);
  return world;
}

/** The world after a change; what is odd about it has been told already. */
export async function readAgain(world: Pick<World, "env">): Promise<World> {
  return (await loadWorld(world.env)).world;
}

async function loadWorld(env: Env): Promise<{ world: World; notes: string[] }> {
  const paths = resolvePaths(env);
  const { settings, keys, notes } = await readUserFiles({ paths, env });
  const { entries } = await loadKeyEntries(paths);
  return { world: { env, paths, settings, entries, keys }, notes };
}
