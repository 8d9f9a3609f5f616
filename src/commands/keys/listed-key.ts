import { fingerprint } from "../../core/fingerprint.ts";
import type { Key, KeySource } from "../../core/key.ts";
import type { KeyEntry } from "../../core/settings/key-entries.ts";
import type { World } from "../world.ts";

/** A key as people see and name it; never with its secret. */
export interface ListedKey {
  provider: string;
  name: string;
  /** Undefined while the secret cannot be had: a variable that is not set, a locked keychain. */
  fingerprint: string | undefined;
  source: KeySource;
  /** Where exactly: the variable's name, `keychain`, or the file. */
  from: string;
  /** The variable that holds the secret, where one does. */
  variable: string | undefined;
  enabled: boolean;
}

/** Every key, those of keys.toml first and complete, with those whose secret is missing. */
export function listKeys(world: Pick<World, "entries" | "keys" | "paths">): ListedKey[] {
  const own = world.entries.map((entry) => fromEntry(entry, world));
  const others = world.keys.filter((key) => key.source !== "keys.toml").map(fromKey);
  return [...own, ...others];
}

function fromEntry(entry: KeyEntry, { keys, paths }: Pick<World, "keys" | "paths">): ListedKey {
  const { provider, name, place, enabled } = entry;
  const loaded = keys.find(
    (key) => key.source === "keys.toml" && key.provider === provider && key.name === name,
  );
  const variable = place.kind === "env" ? place.variable : undefined;
  return {
    provider,
    name,
    // One that is left out for another reason still has the secret that stands in the file.
    fingerprint: loaded?.fingerprint ?? (place.kind === "value" ? fingerprint(place.secret) : undefined),
    source: "keys.toml",
    from: variable ?? (place.kind === "keychain" ? "keychain" : paths.keysFile),
    variable,
    enabled,
  };
}

function fromKey({ provider, name, fingerprint: print, source, from, enabled }: Key): ListedKey {
  const variable = source === "environment" ? from : undefined;
  return { provider, name, fingerprint: print, source, from, variable, enabled };
}
