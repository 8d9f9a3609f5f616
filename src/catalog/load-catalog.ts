import { type Catalog, createCatalog } from "../core/catalog/catalog.ts";
import { type ModelsDev, ModelsDevIndex, readModelsDev, trimModelsDev } from "../core/catalog/models-dev.ts";
import type { Key } from "../core/key.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { Settings } from "../core/settings/settings.ts";
import {
  type CacheFolder,
  type FetchPolicy,
  getJson,
  openCacheFolder,
  type WriteFile,
  withTimeout,
} from "./cache.ts";
import { type LoadedList, loadList } from "./model-lists.ts";

export interface ModelsDevOptions {
  settings: Settings["modelsDev"];
  cache: CacheFolder;
  policy: FetchPolicy;
  nowMs: number;
  signal: AbortSignal;
}

export interface LoadedModelsDev {
  index: ModelsDevIndex | undefined;
  failure: string | undefined;
  settled: Promise<unknown>;
}

const NAME = "models.dev";

/** Uses the cached copy and refreshes it when it is old. Undefined index: disabled, or never reached. */
export async function loadModelsDev(options: ModelsDevOptions): Promise<LoadedModelsDev> {
  const { settings, cache, policy, nowMs } = options;
  if (!settings.enabled) return { index: undefined, failure: undefined, settled: Promise.resolve() };
  const kept = await cache.read(NAME, settings.url);
  const isFresh = kept !== undefined && Math.abs(nowMs - kept.savedMs) < settings.cacheTtlMs;
  // models.dev changes daily, so a provider's `refreshOnList` does not apply.
  if (!policy.mustAsk({ isFresh, refreshOnList: false })) {
    return { index: indexOf(kept?.text, settings), failure: undefined, settled: Promise.resolve() };
  }
  const asked = askAndKeep(options);
  // Do not wait if there is a copy; an explicit refresh overrides the setting's timeout.
  const allowed = policy.waitMs(kept !== undefined);
  const isForced = policy.mustAsk({ isFresh: true, refreshOnList: false });
  const answer = await withTimeout(asked, isForced ? allowed : Math.min(allowed, settings.timeoutMs));
  const text = answer?.kind === "copy" ? answer.text : kept?.text;
  const failure = answer?.kind === "failed" ? answer.message : undefined;
  return { index: indexOf(text, settings), failure, settled: asked };
}

type Copy = { kind: "copy"; text: string } | { kind: "failed"; message: string };

async function askAndKeep({ settings, cache, signal }: ModelsDevOptions): Promise<Copy> {
  const answer = await getJson({ url: settings.url, signal });
  if (answer.kind === "failed") return { kind: "failed", message: answer.message };
  if (readModelsDev(answer.value) === undefined) return { kind: "failed", message: "it holds no models" };
  const text = JSON.stringify(trimModelsDev(answer.value));
  await cache.write(NAME, settings.url, text);
  return { kind: "copy", text };
}

function indexOf(text: string | undefined, settings: Settings["modelsDev"]): ModelsDevIndex | undefined {
  return text === undefined ? undefined : new ModelsDevIndex(() => parse(text), settings.providerAliases);
}

function parse(text: string): ModelsDev | undefined {
  try {
    return readModelsDev(JSON.parse(text));
  } catch {
    // The copy is corrupt; the next one replaces it.
    return undefined;
  }
}

export interface CatalogOptions {
  settings: Settings;
  providers: readonly Provider[];
  keys: readonly Key[];
  cacheDir: string;
  writeFile: WriteFile;
  policy: FetchPolicy;
  /** Whose models are needed now; the others are only asked for the cache. Default: all. */
  isWaitedFor?: (provider: Provider) => boolean;
  signal?: AbortSignal;
  nowMs?: number;
}

export interface LoadedCatalog {
  catalog: Catalog;
  lists: readonly LoadedList[];
  /** Why models.dev could not be loaded, if the command waited for it. */
  modelsDevFailure: string | undefined;
  /** Settles when every request has ended. Never rejects. */
  settled: Promise<void>;
}

/** Asks all providers at once, so that none can hold up the others. */
export async function loadCatalog(options: CatalogOptions): Promise<LoadedCatalog> {
  const { settings, providers, keys, policy } = options;
  const cache = openCacheFolder(options.cacheDir, options.writeFile);
  const limit = AbortSignal.timeout(policy.limitMs);
  const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
  const shared = { cache, nowMs: options.nowMs ?? Date.now(), signal };
  const isWaitedFor = options.isWaitedFor ?? (() => true);
  const calm: FetchPolicy = { ...policy, waitMs: () => 0 };
  const needsModelsDev = providers.some(isWaitedFor) || Object.keys(settings.chains).length > 0;
  const secretsOf = (provider: string) =>
    keys.filter((key) => key.provider === provider && key.enabled).map((key) => key.secret);
  const [modelsDev, ...lists] = await Promise.all([
    loadModelsDev({ ...shared, settings: settings.modelsDev, policy: needsModelsDev ? policy : calm }),
    ...providers.map((provider) =>
      loadList(provider, {
        ...shared,
        policy: isWaitedFor(provider) ? policy : calm,
        secrets: secretsOf(provider.id),
      }),
    ),
  ]);
  const known = lists.flatMap(({ provider, list }) =>
    list === undefined ? [] : [[provider, list] as const],
  );
  return {
    catalog: createCatalog({ settings, lists: new Map(known), modelsDev: modelsDev.index }),
    lists,
    modelsDevFailure: modelsDev.failure,
    settled: Promise.allSettled([modelsDev.settled, ...lists.map((one) => one.settled)]).then(
      () => undefined,
    ),
  };
}
