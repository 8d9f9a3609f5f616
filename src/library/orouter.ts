/**
 * What `import … from "orouter"` gives: the parts of orouter that scripts can use. Nothing happens on import.
 *
 * biome-ignore-all lint/performance/noBarrelFile: the entry of a package is what it exports
 */

export type { OpenCodeConfig, OpenCodeProvider } from "../core/opencode-config/build-opencode-config.ts";
export { buildOpenCodeConfig, type OpenCodeConfigOptions } from "./build-opencode-config.ts";
export { calculateModelCapabilities } from "./calculate-model-capabilities.ts";
export { type ComboData, fetchComboData, resolveUnderlyingModels } from "./fetch-combo-data.ts";
export { fetchModels, refreshModels } from "./fetch-models.ts";
export { clearModelCache } from "./memory-cache.ts";
export { mergeOpenCodeConfig } from "./merge-opencode-config.ts";
export { normalizeBaseURL } from "./normalize-base-url.ts";
export type {
  ApiMode,
  ModelCapabilities,
  ModelMetadata,
  ModelMetadataRule,
  ModelsDevConfig,
  ProviderConfig,
  ProviderModel,
} from "./provider-config.ts";
