import { EXPORT_FORMAT, EXPORT_VERSION, type ExportedKey, type KeyExport } from "./export-format.ts";

/** A key to be exported. `secret` is there only where it is to be in the file. */
export interface KeyToExport {
  provider: string;
  name: string;
  fingerprint: string | undefined;
  enabled: boolean;
  source: string;
  place: { kind: "value" | "keychain"; secret: string | undefined } | { kind: "env"; variable: string };
}

/** The export as a value: `keys import` makes the same keys of it. */
export function keyExport(keys: readonly KeyToExport[]): KeyExport {
  return { format: EXPORT_FORMAT, version: EXPORT_VERSION, keys: keys.map(toExported) };
}

function toExported({ provider, name, fingerprint, enabled, source, place }: KeyToExport): ExportedKey {
  const head = { provider, name, fingerprint: fingerprint ?? null, enabled, source };
  if (place.kind === "env") return { ...head, env: place.variable };
  const secret = place.secret === undefined ? {} : { value: place.secret };
  return { ...head, ...secret, ...(place.kind === "keychain" ? { keychain: true } : {}) };
}
