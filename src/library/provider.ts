import { type CacheFolder, FETCH_POLICIES, type Kept } from "../catalog/cache.ts";
import { loadModelsDev } from "../catalog/load-catalog.ts";
import { loadList } from "../catalog/model-lists.ts";
import type { ModelList } from "../core/catalog/catalog.ts";
import { ModelsDevIndex, readModelsDev } from "../core/catalog/models-dev.ts";
import { DEFAULT_DIALECT, type Dialect, dialectNamed } from "../core/dialect/registry.ts";
import { BEARER } from "../core/key.ts";
import { normalizeBaseUrl, PRESETS } from "../core/settings/presets.ts";
import type { Provider } from "../core/settings/provider.ts";

/** In memory only: a library must not write files unasked. */
const kept = new Map<string, Kept>();

/** Separate for each key, since another key may see other models. @internal */
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
 * The base address of a provider's endpoints: exactly one `/v1`, or the given path if it names another version. Throws
 * unless it is a plain http(s) address.
 */
export function normalizeBaseURL(baseURL: string): string {
  const normal = normalizeBaseUrl(baseURL);
  if (normal !== undefined) return normal;
  // Do not repeat the address: it may contain a user name and password.
  throw new Error("The base URL must be an http(s) address without user name, query or fragment.");
}

/** @internal */
export interface LoadedProvider {
  provider: Provider;
  /** Undefined if the provider never answered. */
  list: ModelList | undefined;
  modelsDev: ModelsDevIndex | undefined;
}

/** @internal */
export interface LoadOptions {
  apiKey: string;
  occasion: "list" | "refresh";
  /** The content of models.dev's api.json, instead of a request. */
  modelsDev?: unknown;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Asks the provider and models.dev at once, or their caches. Failures become warnings. @internal */
export async function loadProvider(config: ProviderConfig, options: LoadOptions): Promise<LoadedProvider> {
  const provider = providerIn(config);
  const policy = FETCH_POLICIES[options.occasion];
  const secret = options.apiKey.trim();
  const shared = { nowMs: Date.now(), signal: AbortSignal.timeout(policy.limitMs) };
  const [list, modelsDev] = await Promise.all([
    loadList(provider, {
      ...shared,
      policy,
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

/** @internal */
export function warn(config: ProviderConfig, message: string): void {
  if (config.onWarning === undefined) console.warn(`[orouter] ${message}`);
  else config.onWarning(message);
}

/** @internal */
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
    auth: BEARER,
    models: [],
    refreshOnList: config.refreshOnList === true,
    modelCacheTtlMs: config.modelCacheTtl ?? 5 * MINUTE_MS,
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
  // The same for every key, and no key is sent there. Changes daily, so a refresh does not apply to it.
  const loaded = await loadModelsDev({
    ...shared,
    settings,
    cache: memoryCache(""),
    policy: FETCH_POLICIES.list,
  });
  return loaded.index;
}

/** How to speak to a provider; the default is `chat`. */
export type ApiMode = Dialect;

/** A model and its known traits; unknown fields are absent. */
export interface ProviderModel extends ModelCapabilities {
  id: string;
  name: string;
  description?: string;
}

/** What a model can do; for a combo, what all its members can do. */
export interface ModelCapabilities {
  /** In tokens. */
  contextWindow?: number;
  /** The longest answer, in tokens. */
  maxTokens?: number;
  supportsStreaming?: boolean;
  supportsVision?: boolean;
  supportsTools?: boolean;
  supportsReasoning?: boolean;
  /** US dollars per million tokens. */
  pricing?: { input?: number; output?: number };
}

/** Your own data about a model; wins over all other sources. */
export interface ModelMetadata extends ModelCapabilities {
  name?: string;
  description?: string;
  /** List the model even if the provider does not. */
  addIfMissing?: boolean;
}

/** Metadata for the models whose id matches; `addIfMissing` needs an id, not a pattern. */
export interface ModelMetadataRule extends ModelMetadata {
  match: string | RegExp;
}

/** models.dev knows limits and abilities that providers do not list. */
export interface ModelsDevConfig {
  /** Default: true. */
  enabled?: boolean;
  url?: string;
  /** How long to wait for the first copy, in milliseconds; default: 1000. */
  timeoutMs?: number;
  /** In milliseconds; default: a day. */
  cacheTtl?: number;
  /** Maps your provider's names to those of models.dev: `{ cx: "openai" }`. */
  providerAliases?: Record<string, string>;
}

/** A provider, and how to ask it. */
export interface ProviderConfig {
  /** With or without `/v1`. */
  baseUrl: string;
  apiKey: string;
  apiMode?: ApiMode;
  /** Its id in models.dev and among orouter's presets; default: derived from the address, else `omniroute`. */
  provider?: string;
  /** Returned while the provider cannot be reached and nothing is cached. */
  defaultModels?: ProviderModel[];
  /** How long a list is fresh, in milliseconds; default: five minutes. */
  modelCacheTtl?: number;
  /** Ask every time; the cache is then only a fallback. */
  refreshOnList?: boolean;
  modelsDev?: ModelsDevConfig;
  /** By model id, or a list of rules of which later ones win. */
  modelMetadata?: Record<string, ModelMetadata> | ModelMetadataRule[];
  /** Called with warnings; default: `console.warn`. */
  onWarning?: (message: string) => void;
}
