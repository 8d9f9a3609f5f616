import { type Catalog, createCatalog } from "../core/catalog/catalog.ts";
import type { Key } from "../core/key.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { Settings } from "../core/settings/settings.ts";
import { type FetchPolicy, openCacheFolder, type WriteFile } from "./cache.ts";
import { type LoadedList, loadList } from "./model-lists.ts";
import { loadModelsDev } from "./models-dev.ts";

export interface CatalogOptions {
  settings: Settings;
  /** Usually those with a key. */
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
