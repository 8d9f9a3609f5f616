import {
  buildOpenCodeConfig as build,
  firstModels,
  mergeOpenCodeConfig as merge,
  type OpenCodeConfig,
} from "../core/opencode-config/opencode-config.ts";
import { type ApiMode, normalizeBaseURL } from "./provider.ts";

/** The provider entry to write. */
export interface OpenCodeConfigOptions {
  /** With or without `/v1`; exactly one is written. */
  baseURL: string;
  /** A key, a placeholder such as `sk_omniroute`, or `{env:NAME}`, which opencode resolves. */
  apiKey: string;
  /** Ids; default: OmniRoute's first models. */
  models?: readonly string[];
  /** What opencode shows instead of an id. */
  modelLabels?: Readonly<Record<string, string>>;
  /** Default: `omniroute`. */
  providerId?: string;
  /** Default: `OmniRoute`, or the id of another provider. */
  providerName?: string;
  apiMode?: ApiMode;
}

/** Builds an opencode config with one provider: a whole opencode.json, or something to merge into one. */
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
 * Merges the result of `buildOpenCodeConfig` into the text of an opencode.json or .jsonc. Keeps comments, order, layout
 * and all other entries; merging twice changes nothing. Throws with line and column if the text does not parse.
 */
export function mergeOpenCodeConfig(text: string, entry: Pick<OpenCodeConfig, "provider">): string {
  const merged = merge(text, { $schema: "https://opencode.ai/config.json", ...entry });
  if (merged.kind === "merged") return merged.text;
  const { line, column, what } = merged.fault;
  throw new Error(`The config cannot be added to: line ${line}, column ${column}: ${what}.`);
}
