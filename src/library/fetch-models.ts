import { listProvider } from "../core/catalog/provider-models.ts";
import { applyMetadata } from "./apply-metadata.ts";
import { describeModel } from "./describe-model.ts";
import { type LoadOptions, loadProvider, warn } from "./load-provider.ts";
import type { ProviderConfig, ProviderModel } from "./provider-config.ts";

/**
 * The models of a provider, from the cache while that is fresh. Where the provider does not answer it is the list from
 * before, else `defaultModels`, else built-in ones: it rejects only for an address that is none.
 */
export async function fetchModels(config: ProviderConfig, apiKey = config.apiKey): Promise<ProviderModel[]> {
  return modelsOf(config, { apiKey, occasion: "list" });
}

/** The same, but the provider is asked whatever is in the cache. */
export async function refreshModels(
  config: ProviderConfig,
  apiKey = config.apiKey,
): Promise<ProviderModel[]> {
  return modelsOf(config, { apiKey, occasion: "refresh" });
}

async function modelsOf(config: ProviderConfig, options: LoadOptions): Promise<ProviderModel[]> {
  const { provider, list, modelsDev } = await loadProvider(config, options);
  if (list === undefined && config.defaultModels !== undefined) {
    return applyMetadata(config.defaultModels, config.modelMetadata, provider.id);
  }
  const entries = listProvider(provider, { settings: { models: [] }, modelsDev, list });
  for (const { id, leftOut } of entries) if (leftOut.length > 0) warn(config, leftOutText(id, leftOut));
  const offered = entries.filter((entry) => !entry.isRetired).map(describeModel);
  return applyMetadata(offered, config.modelMetadata, provider.id);
}

/** What is said of a combo some of whose members are unknown. */
export function leftOutText(combo: string, leftOut: readonly string[]): string {
  return `${combo}: nothing is known of ${leftOut.join(", ")}; what it can do is worked out without.`;
}
