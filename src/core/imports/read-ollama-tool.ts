import { isTable } from "../settings/setting-faults.ts";
import type { ImportOwner } from "./import-provider.ts";
import { importedSecret } from "./imported-secret.ts";
import type { ImportedKey, ImportedSettings, KeyImport } from "./key-import.ts";
import { wholeNumber } from "./whole-number.ts";

/** The two tools that keep a plain list of keys; the same word means something else in each. */
export type OllamaTool = "ollama-router" | "multi-auth";

/** The tool's own word for its provider. */
export function ollamaToolProvider(value: unknown): string | undefined {
  const options = toolOptions(value);
  return typeof options["providerId"] === "string" ? options["providerId"] : undefined;
}

/** Reads `{providerId, maxRetries, failWindowMs, keys: ["…"]}`: a file of either tool, or a plugin's options. */
export function readOllamaTool(tool: OllamaTool, value: unknown, owner: ImportOwner): KeyImport {
  const options = toolOptions(value);
  const list = Array.isArray(options["keys"]) ? options["keys"] : [];
  const keys: ImportedKey[] = [];
  const leftOut: string[] = [];
  for (const [at, entry] of list.entries()) {
    const found = importedSecret(entry);
    if ("why" in found) leftOut.push(`Key ${at + 1} of ${list.length} is left out: ${found.why}.`);
    else {
      const place = { kind: "value", secret: found.secret } as const;
      keys.push({ provider: owner.id, name: undefined, enabled: true, place });
    }
  }
  return { keys, leftOut, settings: { ...settingsOf(tool, options), ...providerOf(owner) } };
}

/** The plugin's options stand under a name of their own, or plainly. */
function toolOptions(value: unknown): Record<string, unknown> {
  if (!isTable(value)) return {};
  return isTable(value["ollamaMultiAuth"]) ? value["ollamaMultiAuth"] : value;
}

function settingsOf(tool: OllamaTool, options: Record<string, unknown>): ImportedSettings {
  // With multi-auth the number bounds the walk over keys, which here ends when all of them were tried.
  const tries = tool === "ollama-router" ? wholeNumber(options["maxRetries"], 1, 100) : undefined;
  const windowMs = wholeNumber(options["failWindowMs"], 1, Number.MAX_SAFE_INTEGER);
  return {
    ...(tries === undefined ? {} : { triesPerKey: tries }),
    ...(windowMs === undefined ? {} : { failWindowMs: windowMs }),
  };
}

function providerOf({ id, baseUrl }: ImportOwner): ImportedSettings {
  return baseUrl === undefined ? {} : { provider: { id, baseUrl } };
}
