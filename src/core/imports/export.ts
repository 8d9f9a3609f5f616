import type { Strategy } from "../routing/session.ts";
import { isTable } from "../settings/checks.ts";
import { cleanSecret } from "../settings/keys.ts";

export interface KeyExport {
  format: typeof EXPORT_FORMAT;
  version: number;
  keys: readonly ExportedKey[];
}

/** Has one of `value`, `env` and `keychain`, as in keys.toml. */
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

export function isKeyExport(value: unknown): value is Record<string, unknown> {
  return isTable(value) && value["format"] === EXPORT_FORMAT;
}

/** Keys from outside keys.toml stay where they come from. */
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
  if (source === "environment") return { why: "it was in the environment, not in keys.toml" };
  if (source === "auth.json" || source === "opencode.db")
    return { why: `it is opencode's own, from its ${source}` };
  if (typeof env === "string") return { kind: "env", variable: env };
  if (typeof value !== "string") return { why: "the export was written without --with-secrets" };
  const secret = cleanSecret(value);
  if (secret === undefined) return { why: "it has blanks or odd characters inside" };
  return { kind: entry["keychain"] === true ? "keychain" : "value", secret };
}

export interface KeyToExport {
  provider: string;
  name: string;
  fingerprint: string | undefined;
  enabled: boolean;
  source: string;
  place: { kind: "value" | "keychain"; secret: string | undefined } | { kind: "env"; variable: string };
}

/** `keys import` restores the same keys from it. */
export function keyExport(keys: readonly KeyToExport[]): KeyExport {
  return { format: EXPORT_FORMAT, version: EXPORT_VERSION, keys: keys.map(toExported) };
}

function toExported({ provider, name, fingerprint, enabled, source, place }: KeyToExport): ExportedKey {
  const head = { provider, name, fingerprint: fingerprint ?? null, enabled, source };
  if (place.kind === "env") return { ...head, env: place.variable };
  const secret = place.secret === undefined ? {} : { value: place.secret };
  return { ...head, ...secret, ...(place.kind === "keychain" ? { keychain: true } : {}) };
}

/** Sources of an import, as the user names them. */
export const IMPORT_KINDS = ["ollama-router", "multi-auth", "nim-rotator", "env", "auth", "export"] as const;
export type ImportKind = (typeof IMPORT_KINDS)[number];

/** Keys and settings found in a file or an environment. The secrets stay in memory. */
export interface KeyImport {
  keys: readonly ImportedKey[];
  /** Sentences about what was skipped; never with a secret. */
  leftOut: readonly string[];
  settings: ImportedSettings;
}

export interface ImportedKey {
  provider: string;
  /** Undefined or invalid: the key gets the next free name. */
  name: string | undefined;
  enabled: boolean;
  place: { kind: "value" | "keychain"; secret: string } | { kind: "env"; variable: string };
}

/** Settings of the other tool that have a counterpart in config.toml. */
export interface ImportedSettings {
  strategy?: Strategy;
  triesPerKey?: number;
  failWindowMs?: number;
  rateLimitThreshold?: number;
  /** Models as `provider/model-id`, in the order they are tried. */
  chain?: readonly string[];
  provider?: { id: string; baseUrl: string };
}
