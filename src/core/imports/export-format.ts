import { cleanSecret } from "../settings/secret.ts";
import { isTable } from "../settings/setting-faults.ts";
import type { ImportedKey, KeyImport } from "./key-import.ts";

/** What `orouter keys export` writes, and `keys import` reads again. */
export interface KeyExport {
  format: typeof EXPORT_FORMAT;
  version: number;
  keys: readonly ExportedKey[];
}

/** One key; of `value`, `env` and `keychain` there is the one that keys.toml has. */
export interface ExportedKey {
  provider: string;
  name: string;
  fingerprint: string | null;
  enabled: boolean;
  source: string;
  value?: string;
  env?: string;
  keychain?: true;
}

export const EXPORT_FORMAT = "orouter-keys";
export const EXPORT_VERSION = 1;

/** Whether a value says of itself that it is such an export. */
export function isKeyExport(value: unknown): value is Record<string, unknown> {
  return isTable(value) && value["format"] === EXPORT_FORMAT;
}

/** Reads an export; what keys.toml did not have itself is left where it comes from. */
export function readKeyExport(value: Record<string, unknown>): KeyImport {
  const keys: ImportedKey[] = [];
  const leftOut: string[] = [];
  for (const entry of Array.isArray(value["keys"]) ? value["keys"] : []) {
    const written = isTable(entry) ? entry : {};
    const { provider, name, enabled } = written;
    if (typeof provider !== "string" || typeof name !== "string") {
      leftOut.push("An entry without provider or name is left out.");
      continue;
    }
    const place = placeOf(written);
    if ("why" in place) leftOut.push(`${provider}/${name} is left out: ${place.why}.`);
    else keys.push({ provider, name, enabled: enabled !== false, place });
  }
  return { keys, leftOut, settings: {} };
}

function placeOf(entry: Record<string, unknown>): ImportedKey["place"] | { why: string } {
  const { source, env, value } = entry;
  if (source === "environment") return { why: "it came from the environment, not from keys.toml" };
  if (source === "auth.json" || source === "opencode.db")
    return { why: `it is opencode's own, from its ${source}` };
  if (typeof env === "string") return { kind: "env", variable: env };
  if (typeof value !== "string") return { why: "the export was written without --with-secrets" };
  const secret = cleanSecret(value);
  if (secret === undefined) return { why: "it has blanks or odd characters inside" };
  return { kind: entry["keychain"] === true ? "keychain" : "value", secret };
}
