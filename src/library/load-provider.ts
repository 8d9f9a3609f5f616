import { loadList } from "../catalog/load-list.ts";
import { loadModelsDev } from "../catalog/load-models-dev.ts";
import { PATIENCE } from "../catalog/patience.ts";
import { ModelsDevIndex } from "../core/catalog/models-dev-index.ts";
import type { ModelList } from "../core/catalog/provider-models.ts";
import { readModelsDev } from "../core/catalog/read-models-dev.ts";
import { PRESETS } from "../core/settings/presets.ts";
import type { Provider } from "../core/settings/provider.ts";
import { memoryCache } from "./memory-cache.ts";
import { normalizeBaseURL } from "./normalize-base-url.ts";
import type { ProviderConfig } from "./provider-config.ts";

/** What could be learned about a provider's models. */
export interface LoadedProvider {
  provider: Provider;
  /** Undefined: it could not be asked, and has not been before. */
  list: ModelList | undefined;
  modelsDev: ModelsDevIndex | undefined;
}

export interface LoadOptions {
  apiKey: string;
  occasion: "list" | "refresh";
  /** The content of models.dev's api.json, in place of the one on the net. */
  modelsDev?: unknown;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Asks the provider and models.dev at once, or their caches. What cannot be had is told and done without. */
export async function loadProvider(config: ProviderConfig, options: LoadOptions): Promise<LoadedProvider> {
  const provider = providerIn(config);
  const patience = PATIENCE[options.occasion];
  const secret = options.apiKey.trim();
  const shared = { nowMs: Date.now(), signal: AbortSignal.timeout(patience.limitMs) };
  const [list, modelsDev] = await Promise.all([
    loadList(provider, {
      ...shared,
      patience,
      cache: memoryCache(secret),
      secrets: secret === "" ? [] : [secret],
    }),
    loadIndex(config, options, shared),
  ]);
  if (list.failure !== undefined) {
    const instead = list.list === undefined ? "built-in models are used" : "the list from before is used";
    warn(config, `${provider.baseUrl} cannot be asked for its models: ${list.failure}; ${instead}.`);
  }
  return { provider, list: list.list, modelsDev };
}

/** Passes on what a person should hear. */
export function warn(config: ProviderConfig, message: string): void {
  if (config.onWarning === undefined) console.warn(`[orouter] ${message}`);
  else config.onWarning(message);
}

/** The provider of a config as the catalogue knows providers. */
export function providerIn(config: ProviderConfig): Provider {
  const baseUrl = normalizeBaseURL(config.baseUrl);
  const preset = PRESETS.find((one) =>
    config.provider ? one.id === config.provider : one.baseUrl === baseUrl,
  );
  const id = config.provider ?? preset?.id ?? "omniroute";
  return {
    id,
    name: preset?.name ?? id,
    baseUrl,
    api: config.apiMode === "responses" ? "responses" : "chat",
    models: [],
    refreshOnList: config.refreshOnList === true,
    modelCacheTtlMs: config.modelCacheTtl ?? 5 * MINUTE_MS,
    // What only matters to a proxy.
    rpm: undefined,
    concurrency: undefined,
    env: [],
    sharedEnv: [],
    placeholderKey: undefined,
    firstTokenTimeoutMs: undefined,
    stallTimeoutMs: undefined,
  };
}

async function loadIndex(
  { modelsDev = {} }: ProviderConfig,
  options: LoadOptions,
  shared: { nowMs: number; signal: AbortSignal },
): Promise<ModelsDevIndex | undefined> {
  const providerAliases = modelsDev.providerAliases ?? {};
  const { modelsDev: given } = options;
  if (given !== undefined && given !== null)
    return new ModelsDevIndex(() => readModelsDev(given), providerAliases);
  const settings = {
    enabled: modelsDev.enabled ?? true,
    url: modelsDev.url ?? "https://models.dev/api.json",
    timeoutMs: modelsDev.timeoutMs ?? 1000,
    cacheTtlMs: modelsDev.cacheTtl ?? DAY_MS,
    providerAliases,
  };
  // It is the same for every key, and no key is sent there. It changes by the day, so a refresh does not concern it.
  const loaded = await loadModelsDev({
    ...shared,
    settings,
    cache: memoryCache(""),
    patience: PATIENCE.list,
  });
  return loaded.index;
}
