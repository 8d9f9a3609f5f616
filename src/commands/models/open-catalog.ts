import type { Patience } from "../../catalog/cache.ts";
import { type LoadedCatalog, loadCatalog } from "../../catalog/load-catalog.ts";
import { createFolderOf, writeFileAtomic } from "../../config/write-file.ts";
import type { Provider } from "../../core/settings/provider.ts";
import { allProviders } from "../../core/settings/settings.ts";
import { keepLoopbackDirect } from "../keep-loopback-direct.ts";
import type { World } from "../world.ts";

/** The catalogue of the providers that have a key, or of one, whether it has a key or not. */
export async function openCatalog(world: World, patience: Patience, only?: Provider): Promise<LoadedCatalog> {
  keepLoopbackDirect(process.env);
  const { settings, keys, paths } = world;
  const providers = only === undefined ? providersWithKey(world) : [only];
  return loadCatalog({
    settings,
    providers,
    keys,
    cacheDir: paths.cacheDir,
    writeFile: writeCache,
    patience,
  });
}

/** The providers that something can be asked of. */
export function providersWithKey({ settings, keys }: Pick<World, "settings" | "keys">): Provider[] {
  const withKey = new Set(keys.filter((key) => key.enabled).map((key) => key.provider));
  return allProviders(settings).filter((provider) => withKey.has(provider.id));
}

/** Writes a file of the cache, with its folder where that is missing. */
export async function writeCache(file: string, text: string): Promise<void> {
  createFolderOf(file);
  await writeFileAtomic(file, text);
}
