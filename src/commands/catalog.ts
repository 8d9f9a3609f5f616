import { FETCH_POLICIES, type FetchPolicy } from "../catalog/cache.ts";
import { type LoadedCatalog, loadCatalog } from "../catalog/load-catalog.ts";
import type { Paths } from "../config/paths.ts";
import { createFolderOf, writeFileAtomic } from "../config/write.ts";
import type { Catalog } from "../core/catalog/catalog.ts";
import type { Key } from "../core/key.ts";
import { withLoopback } from "../core/no-proxy.ts";
import { needsModels } from "../core/overlay/opencode-providers.ts";
import type { Provider } from "../core/settings/provider.ts";
import { allProviders, type Settings } from "../core/settings/settings.ts";
import type { CommandContext } from "./context.ts";

/** Bun sends even loopback requests to HTTP_PROXY, which cannot reach a provider on this machine. */
export function keepLoopbackDirect(env: Record<string, string | undefined>): void {
  const noProxy = withLoopback(env["NO_PROXY"] ?? env["no_proxy"]);
  env["NO_PROXY"] = noProxy;
  env["no_proxy"] = noProxy;
}

export async function openCatalog(
  context: CommandContext,
  policy: FetchPolicy,
  only?: Provider,
): Promise<LoadedCatalog> {
  keepLoopbackDirect(process.env);
  const { settings, keys, paths } = context;
  const providers = only === undefined ? providersWithKey(context) : [only];
  return loadCatalog({
    settings,
    providers,
    keys,
    cacheDir: paths.cacheDir,
    writeFile: writeCache,
    policy,
  });
}

export function providersWithKey({ settings, keys }: Pick<CommandContext, "settings" | "keys">): Provider[] {
  const withKey = new Set(keys.filter((key) => key.enabled).map((key) => key.provider));
  return allProviders(settings).filter((provider) => withKey.has(provider.id));
}

export async function writeCache(file: string, text: string): Promise<void> {
  createFolderOf(file);
  await writeFileAtomic(file, text);
}

export interface RunCatalogOptions {
  settings: Settings;
  keys: readonly Key[];
  paths: Pick<Paths, "cacheDir">;
  /** Whose models are needed at the start (default: providers without a table). */
  isWaitedFor?: (provider: Provider) => boolean;
}

/** The model catalog of a run; `stop` ends the requests that still run in the background. */
export interface RunCatalog {
  catalog: Catalog;
  /** Resolves when all requests have finished or failed; undefined if the run is over by then. */
  later: () => Promise<Catalog | undefined>;
  stop: () => void;
}

/** Uses the cache where there is one, so that no start waits for the network. */
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
      policy: FETCH_POLICIES.launch,
      isWaitedFor,
      signal: run.signal,
    });
  const { catalog, settled } = await load();
  return {
    catalog,
    later: async () => {
      await settled;
      // The lists that arrived are in the cache now.
      return run.signal.aborted ? undefined : (await load()).catalog;
    },
    stop: () => run.abort(),
  };
}
