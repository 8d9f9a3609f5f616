import type { ImportKind, KeyImport } from "../../core/imports/export.ts";
import { importProvider } from "../../core/imports/plan-import.ts";
import { type OllamaTool, ollamaToolProvider, readOllamaTool } from "../../core/imports/tools.ts";
import { isTable } from "../../core/settings/checks.ts";
import { allProviders, type Settings } from "../../core/settings/settings.ts";
import type { OpencodeConfig, OpencodePlace } from "../opencode-configs.ts";

/** A place on this machine that has keys. */
export interface ImportSource {
  kind: ImportKind;
  /** The file, or `environment`. */
  from: string;
  /** Who wrote it, as people know it. */
  tool: string;
  found: KeyImport;
}

/** What a source is read with: whose keys they are depends on opencode's config and on ours. */
export interface ImportReader extends OpencodePlace {
  settings: Settings;
  configs: readonly OpencodeConfig[];
}

const TOOLS: Record<ImportKind, string> = {
  "ollama-router": "opencode-ollama-router",
  "multi-auth": "opencode-ollama-multi-auth",
  "nim-rotator": "opencode-nim-rotator",
  env: "the environment",
  auth: "opencode",
  export: "orouter",
};

export function importSource(kind: ImportKind, from: string, found: KeyImport): ImportSource {
  return { kind, from, tool: TOOLS[kind], found };
}

/** The list of one of the tools for Ollama Cloud. */
export function ollamaSource(
  tool: OllamaTool,
  value: unknown,
  { from, reader }: { from: string; reader: ImportReader },
): ImportSource {
  const id = ollamaToolProvider(value) ?? (tool === "multi-auth" ? "ollama-multi" : "ollama-router");
  const owner = importProvider({ id, baseUrl: baseUrlOf(id, reader) }, allProviders(reader.settings));
  return importSource(tool, from, readOllamaTool(tool, value, owner));
}

/** Whom a key of opencode's auth.json belongs to, by the id that it has there. */
export function ownerFinder(reader: ImportReader): (id: string) => string | undefined {
  const providers = allProviders(reader.settings);
  return (id) => {
    if (providers.some((provider) => provider.id === id)) return id;
    const baseUrl = baseUrlOf(id, reader);
    if (baseUrl === undefined) return undefined;
    const owner = importProvider({ id, baseUrl }, providers);
    return owner.baseUrl === undefined ? owner.id : undefined;
  };
}

/** The address that opencode has for a provider; the config that it reads last wins. */
function baseUrlOf(id: string, { configs }: ImportReader): string | undefined {
  for (const { value } of configs.toReversed()) {
    const provider = isTable(value?.["provider"]) ? value["provider"][id] : undefined;
    const options = isTable(provider) ? provider["options"] : undefined;
    const baseUrl = isTable(options) ? options["baseURL"] : undefined;
    if (typeof baseUrl === "string") return baseUrl;
  }
  return undefined;
}

/** A file's value, with the comments that opencode allows. Undefined for what is no JSON. */
export function parseImport(text: string): unknown {
  try {
    return Bun.JSONC.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    return undefined;
  }
}
