import {
  buildOpenCodeConfig as build,
  type OpenCodeConfig,
} from "../core/opencode-config/build-opencode-config.ts";
import { firstModels } from "../core/opencode-config/first-models.ts";
import { normalizeBaseURL } from "./normalize-base-url.ts";
import type { ApiMode } from "./provider-config.ts";

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
