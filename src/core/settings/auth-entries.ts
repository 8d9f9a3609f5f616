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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
