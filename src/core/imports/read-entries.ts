import type { AuthEntry } from "../settings/auth-entries.ts";
import { findEnvKeys } from "../settings/env-keys.ts";
import type { Provider } from "../settings/provider.ts";
import { importedSecret } from "./imported-secret.ts";
import type { ImportedKey, KeyImport } from "./key-import.ts";

/** A key with a word for where it stands. */
interface Entry {
  provider: string;
  name: string;
  text: string;
  where: string;
}

/** What the environment has for the providers, each key under its variable's name. */
export function readEnvImport(
  env: Readonly<Record<string, string | undefined>>,
  providers: readonly Provider[],
): KeyImport {
  const entries = findEnvKeys(env, providers).map(({ provider, variable, text }) => {
    return { provider, name: variable, text, where: variable };
  });
  return toImport(entries, []);
}

/** opencode's keys. `ownerOf` says whom an id means here; undefined for one that nobody here answers to. */
export function readAuthImport(
  entries: readonly AuthEntry[],
  ownerOf: (id: string) => string | undefined,
): KeyImport {
  const foreign: string[] = [];
  const own = entries.flatMap(({ provider: id, text }) => {
    const provider = ownerOf(id);
    if (provider !== undefined) return [{ provider, name: "opencode", text, where: id }];
    foreign.push(`The key of ${id} is left out: config.toml has no such provider.`);
    return [];
  });
  return toImport(own, foreign);
}

function toImport(entries: readonly Entry[], before: readonly string[]): KeyImport {
  const keys: ImportedKey[] = [];
  const leftOut = [...before];
  for (const { provider, name, text, where } of entries) {
    const found = importedSecret(text);
    if ("why" in found) leftOut.push(`The key of ${where} is left out: ${found.why}.`);
    else keys.push({ provider, name, enabled: true, place: { kind: "value", secret: found.secret } });
  }
  return { keys, leftOut, settings: {} };
}
