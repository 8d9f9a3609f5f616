import { isTable } from "./setting-faults.ts";

/** A key that opencode holds. */
export interface AuthEntry {
  provider: string;
  text: string;
}

/**
 * The plain API keys in the text of opencode's auth.json; its sign-ins are its own business. Undefined for a text
 * that is not such a file at all.
 */
export function readAuthEntries(text: string): AuthEntry[] | undefined {
  const value = parseJson(text);
  if (!isTable(value)) return undefined;
  return Object.entries(value).flatMap(([provider, entry]) => {
    if (!isTable(entry) || entry["type"] !== "api" || typeof entry["key"] !== "string") return [];
    return [{ provider, text: entry["key"] }];
  });
}

/** A row of the table in which opencode 2 keeps what `/connect` was given. */
export interface CredentialRow {
  provider: unknown;
  value: unknown;
}

/** The plain API keys among them; sign-ins, and tokens of an organisation's address, are opencode's own business. */
export function credentialEntries(rows: readonly CredentialRow[]): AuthEntry[] {
  return rows.flatMap(({ provider, value }) => {
    const entry = typeof value === "string" ? parseJson(value) : undefined;
    if (typeof provider !== "string" || !isTable(entry)) return [];
    if (entry["type"] !== "key" || typeof entry["key"] !== "string") return [];
    return [{ provider, text: entry["key"] }];
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
