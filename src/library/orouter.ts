/**
 * What `import … from "orouter"` gives: the parts of orouter that scripts can use. Nothing happens on import.
 *
 * biome-ignore-all lint/performance/noBarrelFile: the entry of a package is what it exports
 */

export type { OpenCodeConfig, OpenCodeProvider } from "../core/opencode-config/opencode-config.ts";
export {
  type ComboData,
  calculateModelCapabilities,
  fetchComboData,
  fetchModels,
  refreshModels,
  resolveUnderlyingModels,
} from "./models.ts";
export { buildOpenCodeConfig, mergeOpenCodeConfig, type OpenCodeConfigOptions } from "./opencode-config.ts";
export type {
  ApiMode,
  ModelCapabilities,
  ModelMetadata,
  ModelMetadataRule,
  ModelsDevConfig,
  ProviderConfig,
  ProviderModel,
} from "./provider.ts";
export { clearModelCache, normalizeBaseURL } from "./provider.ts";
