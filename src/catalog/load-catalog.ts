import { type Catalog, createCatalog } from "../core/catalog/catalog.ts";
import type { Key } from "../core/key.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { Settings } from "../core/settings/settings.ts";
import { openCacheFolder, type Patience, type WriteFile } from "./cache.ts";
import { type LoadedList, loadList } from "./model-lists.ts";
import { loadModelsDev } from "./models-dev.ts";

export interface CatalogOptions {
  settings: Settings;
  /** Those to ask: the ones with a key, as a rule. */
  providers: readonly Provider[];
  keys: readonly Key[];
  cacheDir: string;
  writeFile: WriteFile;
  /** One of `PATIENCE`. */
  patience: Patience;
  /** Whose models are needed at once; the others are asked for the cache only. All of them, unless told otherwise. */
  isWaitedFor?: (provider: Provider) => boolean;
  /** Ends all that is under way. */
  signal?: AbortSignal;
  nowMs?: number;
}

/** The catalogue, and how it came about. */
export interface LoadedCatalog {
  catalog: Catalog;
  lists: readonly LoadedList[];
  /** Why models.dev could not be had, where it was waited for. */
  modelsDevFailure: string | undefined;
  /** Settles when all that was asked has come and is in the cache, or has failed. Never rejects. */
  settled: Promise<void>;
}

/** Gathers what is known about the models of some providers: all are asked at once, and none can hold up the others. */
export async function loadCatalog(options: CatalogOptions): Promise<LoadedCatalog> {
  const { settings, providers, keys, patience } = options;
  const cache = openCacheFolder(options.cacheDir, options.writeFile);
  const limit = AbortSignal.timeout(patience.limitMs);
  const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
  const shared = { cache, nowMs: options.nowMs ?? Date.now(), signal };
  const isWaitedFor = options.isWaitedFor ?? (() => true);
  const calm: Patience = { ...patience, waitMs: () => 0 };
  const needsModelsDev = providers.some(isWaitedFor) || Object.keys(settings.chains).length > 0;
  const secretsOf = (provider: string) =>
    keys.filter((key) => key.provider === provider && key.enabled).map((key) => key.secret);
  const [modelsDev, ...lists] = await Promise.all([
    loadModelsDev({ ...shared, settings: settings.modelsDev, patience: needsModelsDev ? patience : calm }),
    ...providers.map((provider) =>
      loadList(provider, {
        ...shared,
        patience: isWaitedFor(provider) ? patience : calm,
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
