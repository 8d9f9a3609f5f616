import { fingerprint, type Key, type KeySource } from "../core/key.ts";
import { cleanSecret, findEnvKeys, type KeyEntry, mergeKeys } from "../core/settings/keys.ts";
import type { Provider } from "../core/settings/provider.ts";
import { allProviders, type Settings } from "../core/settings/settings.ts";
import { type Keychain, keychainName, systemKeychain } from "./keychain.ts";
import { loadKeyEntries } from "./keys-file.ts";
import { type AuthPlaces, readAuthKeys } from "./opencode-auth.ts";
import type { Env, Paths } from "./paths.ts";

export interface KeyPlaces {
  paths: Pick<Paths, "keysFile"> & AuthPlaces;
  settings: Settings;
  env: Env;
  keychain?: Keychain;
}

export interface LoadedKeys {
  keys: Key[];
  /** Remarks to show; never a secret. */
  notes: string[];
  /** Variables that contain keys; the launcher hides them from its child. */
  variables: string[];
}

/** keys.toml wins over the environment, and that over opencode's own keys; a secret counts once. */
export async function loadKeys(places: KeyPlaces): Promise<LoadedKeys> {
  const { paths, settings, env } = places;
  const providers = allProviders(settings);
  const ids = new Set(providers.map((provider) => provider.id));
  const { entries, notes } = await loadKeyEntries(paths);
  const own: Key[] = [];
  for (const entry of entries) {
    const key = ids.has(entry.provider)
      ? await resolveEntry(entry, places)
      : `its provider ${entry.provider} is not in config.toml`;
    if (typeof key === "string")
      notes.push(`The key ${entry.name} of ${entry.provider} is left out: ${key}.`);
    else own.push(key);
  }
  const fromEnv = findEnvKeys(env, providers).map(({ provider, variable, text }) => {
    return toKey({ provider, name: variable, text, source: "environment", from: variable });
  });
  const fromAuth = await readAuthKeys(env, paths);
  const others = fromAuth.flatMap(({ source, from, entries: found }) =>
    found
      .filter((entry) => ids.has(entry.provider))
      .map(({ provider, text }) => toKey({ provider, name: "opencode", text, source, from })),
  );
  const keys = mergeKeys([own, usable(fromEnv, notes), usable(others, notes)]);
  return {
    keys: [...keys, ...placeholders(Object.values(settings.providers), keys)],
    notes: [...notes, ...fromAuth.flatMap((one) => one.notes)],
    variables: carriersOf(env, providers, entries),
  };
}

/** Leaves out variables that other tools need. */
export function keyVariables(env: Env, settings: Settings): string[] {
  return carriersOf(env, allProviders(settings), []);
}

function carriersOf(env: Env, providers: readonly Provider[], entries: readonly KeyEntry[]): string[] {
  const shared = new Set(providers.flatMap((provider) => provider.sharedEnv));
  const found = findEnvKeys(env, providers).map(({ variable }) => variable);
  const named = entries.flatMap(({ place }) =>
    place.kind === "env" && env[place.variable] ? [place.variable] : [],
  );
  return [...new Set([...found, ...named])].filter((variable) => !shared.has(variable));
}

async function resolveEntry(entry: KeyEntry, places: KeyPlaces): Promise<Key | string> {
  const text = await secretText(entry, places);
  if (typeof text !== "string") return text.missing;
  const found = { provider: entry.provider, name: entry.name, text, from: places.paths.keysFile };
  const key = toKey({ ...found, source: "keys.toml" });
  return typeof key === "string" ? key : { ...key, enabled: entry.enabled, dailyBudget: entry.dailyBudget };
}

async function secretText(
  entry: KeyEntry,
  { env, keychain }: KeyPlaces,
): Promise<string | { missing: string }> {
  const { place } = entry;
  if (place.kind === "value") return place.secret;
  if (place.kind === "env")
    return env[place.variable] || { missing: `the variable ${place.variable} is not set` };
  try {
    return (
      (await (keychain ?? systemKeychain).get(keychainName(entry))) ?? { missing: "the keychain has none" }
    );
  } catch {
    // The text of a keychain error is arbitrary; only the missing key matters.
    return { missing: "the keychain could not be read" };
  }
}

interface Found {
  provider: string;
  name: string;
  text: string;
  source: KeySource;
  from: string;
}

function toKey({ provider, name, text, source, from }: Found): Key | string {
  const secret = cleanSecret(text);
  if (secret === undefined) return `what ${from} holds for ${provider} has blanks or odd characters inside`;
  return { provider, name, fingerprint: fingerprint(secret), secret, enabled: true, source, from };
}

/** Leaves out unusable entries, with a note for each. */
function usable(found: readonly (Key | string)[], notes: string[]): Key[] {
  return found.flatMap((key) => {
    if (typeof key !== "string") return [key];
    notes.push(`A key is left out: ${key}.`);
    return [];
  });
}

/** Servers that need no key still need a lane, once they are in config.toml. */
function placeholders(configured: readonly Provider[], keys: readonly Key[]): Key[] {
  return configured.flatMap(({ id, placeholderKey }) => {
    if (placeholderKey === undefined || keys.some((key) => key.provider === id)) return [];
    const found = { provider: id, name: "placeholder", text: placeholderKey, from: "no key needed" };
    const key = toKey({ ...found, source: "embedded" });
    return typeof key === "string" ? [] : [key];
  });
}
