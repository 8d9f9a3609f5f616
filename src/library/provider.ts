import { type CacheFolder, type Kept, PATIENCE } from "../catalog/cache.ts";
import { loadList } from "../catalog/model-lists.ts";
import { loadModelsDev } from "../catalog/models-dev.ts";
import type { ModelList } from "../core/catalog/catalog.ts";
import { ModelsDevIndex, readModelsDev } from "../core/catalog/models-dev.ts";
import { DEFAULT_DIALECT, type Dialect, dialectNamed } from "../core/dialect/registry.ts";
import { normalizeBaseUrl, PRESETS } from "../core/settings/presets.ts";
import type { Provider } from "../core/settings/provider.ts";

/** Lives as long as the process: a library writes no files unasked. */
const kept = new Map<string, Kept>();

/** What was fetched with one key. Another key may be shown other models. @internal */
export function memoryCache(apiKey: string): CacheFolder {
  const idOf = (name: string, about: string) => JSON.stringify([apiKey, name, about]);
  return {
    read: async (name, about) => kept.get(idOf(name, about)),
    write: async (name, about, text) => void kept.set(idOf(name, about), { text, savedMs: Date.now() }),
    clear: async () => clearModelCache(),
  };
}

/** Forgets every list of models, every combo and models.dev. Returns how many there were. */
export function clearModelCache(): number {
  const { size } = kept;
  kept.clear();
  return size;
}

/**
 * The address under which a provider's endpoints lie: exactly one `/v1`, or the path as given where it names another
 * version. Throws for what is no plain http(s) address.
 */
export function normalizeBaseURL(baseURL: string): string {
  const normal = normalizeBaseUrl(baseURL);
  if (normal !== undefined) return normal;
  // It is not repeated: a user name and password may be in it, which is one of the things that are wrong.
  throw new Error("The base URL must be an http(s) address without user name, query or fragment.");
}

/** What could be learned about a provider's models. @internal */
export interface LoadedProvider {
  provider: Provider;
  /** Undefined: it could not be asked, and has not been before. */
  list: ModelList | undefined;
  modelsDev: ModelsDevIndex | undefined;
}

/** @internal */
export interface LoadOptions {
  apiKey: string;
  occasion: "list" | "refresh";
  /** The content of models.dev's api.json, in place of the one on the net. */
  modelsDev?: unknown;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Asks the provider and models.dev at once, or their caches. What cannot be had is told and done without. @internal */
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

/** Passes on what a person should hear. @internal */
export function warn(config: ProviderConfig, message: string): void {
  if (config.onWarning === undefined) console.warn(`[orouter] ${message}`);
  else config.onWarning(message);
}

/** The provider of a config as the catalogue knows providers. @internal */
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
    api: dialectNamed(config.apiMode) ?? DEFAULT_DIALECT,
    models: [],
    refreshOnList: config.refreshOnList === true,
    modelCacheTtlMs: config.modelCacheTtl ?? 5 * MINUTE_MS,
    // What only matters to a proxy.
    rpm: undefined,
    concurrency: undefined,
    env: [],
    sharedEnv: [],
    placeholderKey: undefined,
    quota: undefined,
    isQuotaNamed: false,
    billing: undefined,
    dailyBudget: undefined,
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

/** How to speak to a provider; anything else is taken for `chat`. */
export type ApiMode = Dialect;

/** A model and what is known of it. What nobody has told is absent. */
export interface ProviderModel extends ModelCapabilities {
  id: string;
  name: string;
  description?: string;
}

/** What a model can do; of a combo, what all its members can. */
export interface ModelCapabilities {
  /** In tokens. */
  contextWindow?: number;
  /** The longest answer, in tokens. */
  maxTokens?: number;
  supportsStreaming?: boolean;
  supportsVision?: boolean;
  supportsTools?: boolean;
  supportsReasoning?: boolean;
  /** Dollars for a million tokens. */
  pricing?: { input?: number; output?: number };
}

/** Your own word on a model, which counts more than anyone else's. */
export interface ModelMetadata extends ModelCapabilities {
  name?: string;
  description?: string;
  /** List it also where the provider does not. */
  addIfMissing?: boolean;
}

/** Metadata for the models whose id fits; `addIfMissing` needs an id and no pattern. */
export interface ModelMetadataRule extends ModelMetadata {
  match: string | RegExp;
}

/** models.dev, which knows windows and abilities that providers do not tell. */
export interface ModelsDevConfig {
  /** True where absent. */
  enabled?: boolean;
  url?: string;
  /** How long a first copy is waited for; 1000 where absent. */
  timeoutMs?: number;
  /** A day where absent. */
  cacheTtl?: number;
  /** What your provider calls the providers of models.dev: `{ cx: "openai" }`. */
  providerAliases?: Record<string, string>;
}

/** A provider, and how to ask it. */
export interface ProviderConfig {
  /** With or without `/v1`. */
  baseUrl: string;
  apiKey: string;
  apiMode?: ApiMode;
  /** Its id in models.dev and among orouter's presets; worked out from the address, and else `omniroute`. */
  provider?: string;
  /** What to give back while the provider cannot be asked and nothing is cached. */
  defaultModels?: ProviderModel[];
  /** How long a list counts as fresh, in milliseconds; five minutes where absent. */
  modelCacheTtl?: number;
  /** Ask every time; the cache is then only for when there is no answer. */
  refreshOnList?: boolean;
  modelsDev?: ModelsDevConfig;
  /** By model id, or a list of rules of which later ones win. */
  modelMetadata?: Record<string, ModelMetadata> | ModelMetadataRule[];
  /** Told what went wrong without being fatal; `console.warn` where absent. */
  onWarning?: (message: string) => void;
}
