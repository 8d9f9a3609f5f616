import { PATIENCE } from "../catalog/cache.ts";
import { type LoadedCatalog, loadCatalog } from "../catalog/load-catalog.ts";
import type { Paths } from "../config/paths.ts";
import type { Catalog } from "../core/catalog/catalog.ts";
import type { Key } from "../core/key.ts";
import { needsModels } from "../core/overlay/opencode-providers.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { Settings } from "../core/settings/settings.ts";
import { keepLoopbackDirect } from "./keep-loopback-direct.ts";
import { providersWithKey, writeCache } from "./models/open-catalog.ts";

export interface RunCatalogOptions {
  settings: Settings;
  keys: readonly Key[];
  paths: Pick<Paths, "cacheDir">;
  /** Whose models are needed at the start; of providers that no table has, unless told. */
  isWaitedFor?: (provider: Provider) => boolean;
}

/** The catalogue of a run, and the end of what it still asks for in the background. */
export interface RunCatalog {
  catalog: Catalog;
  /** The same once all that was asked for has come, or has failed; undefined where the run is over by then. */
  later: () => Promise<Catalog | undefined>;
  stop: () => void;
}

/** What is known of the models as a run begins: from the cache where there is one, so that no start waits for a network. */
export async function loadRunCatalog({
  settings,
  keys,
  paths,
  isWaitedFor = needsModels,
}: RunCatalogOptions): Promise<RunCatalog> {
  keepLoopbackDirect(process.env);
  const run = new AbortController();
  const load = (): Promise<LoadedCatalog> =>
    loadCatalog({
      settings,
      providers: providersWithKey({ settings, keys }),
      keys,
      cacheDir: paths.cacheDir,
      writeFile: writeCache,
      patience: PATIENCE.launch,
      isWaitedFor,
      signal: run.signal,
    });
  const { catalog, settled } = await load();
  return {
    catalog,
    later: async () => {
      await settled;
      // What has come lies in the cache.
      return run.signal.aborted ? undefined : (await load()).catalog;
    },
    stop: () => run.abort(),
  };
}
