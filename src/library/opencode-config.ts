import {
  buildOpenCodeConfig as build,
  firstModels,
  mergeOpenCodeConfig as merge,
  type OpenCodeConfig,
} from "../core/opencode-config/opencode-config.ts";
import { type ApiMode, normalizeBaseURL } from "./provider.ts";

/** What to tell opencode of a provider. */
export interface OpenCodeConfigOptions {
  /** With or without `/v1`; exactly one is written. */
  baseURL: string;
  /** A key, a placeholder such as `sk_omniroute`, or `{env:NAME}`, which opencode fills in itself. */
  apiKey: string;
  /** Ids; the ones that OmniRoute begins with where absent. */
  models?: readonly string[];
  /** What opencode shows in place of an id. */
  modelLabels?: Readonly<Record<string, string>>;
  /** `omniroute` where absent. */
  providerId?: string;
  /** `OmniRoute` where absent, or the id of another provider. */
  providerName?: string;
  apiMode?: ApiMode;
}

/** An opencode config that brings in one provider: a whole opencode.json, or something to merge into one. */
export function buildOpenCodeConfig(options: OpenCodeConfigOptions): OpenCodeConfig {
  const { baseURL, apiKey, modelLabels, apiMode, providerId: id = "omniroute" } = options;
  return build({
    id,
    name: options.providerName ?? (id === "omniroute" ? "OmniRoute" : id),
    baseURL: normalizeBaseURL(baseURL),
    apiKey,
    apiMode,
    models: options.models ?? firstModels(id),
    modelLabels,
  });
}

/**
 * Brings what `buildOpenCodeConfig` made into the text of an opencode.json or .jsonc. Comments, order, layout and all
 * other entries stay; merging the same twice changes nothing. Throws for a text that does not parse, with its line and
 * column.
 */
export function mergeOpenCodeConfig(text: string, entry: Pick<OpenCodeConfig, "provider">): string {
  const merged = merge(text, { $schema: "https://opencode.ai/config.json", ...entry });
  if (merged.kind === "merged") return merged.text;
  const { line, column, what } = merged.fault;
  throw new Error(`The config cannot be added to: line ${line}, column ${column}: ${what}.`);
}
