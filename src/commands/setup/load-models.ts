import { loadCatalog } from "../../catalog/load-catalog.ts";
import { PATIENCE } from "../../catalog/patience.ts";
import type { Paths } from "../../config/paths.ts";
import type { Catalog } from "../../core/catalog/catalog.ts";
import type { Key } from "../../core/key.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { listNotes } from "../models/list-notes.ts";
import { providersWithKey, writeCache } from "../models/open-catalog.ts";

export interface ModelSources {
  settings: Settings;
  keys: readonly Key[];
  paths: Pick<Paths, "cacheDir">;
}

/** What can be chosen from, and what could not be asked. */
export interface LoadedModels {
  catalog: Catalog;
  notes: string[];
  /** The providers that gave no list, now or ever. */
  unlisted: readonly string[];
  /** Writes the lists into the cache, so that the first start has them. Until then nothing is written. */
  keepLists: () => Promise<void>;
}

/** Asks the services for their models. What does not come in seconds is done without. */
export async function loadModels({ settings, keys, paths }: ModelSources): Promise<LoadedModels> {
  const held = new Map<string, string>();
  const loaded = await loadCatalog({
    settings,
    providers: providersWithKey({ settings, keys }),
    keys,
    cacheDir: paths.cacheDir,
    writeFile: async (file, text) => void held.set(file, text),
    patience: PATIENCE.list,
  });
  return {
    catalog: loaded.catalog,
    notes: listNotes(loaded, []),
    unlisted: loaded.lists.filter(({ list }) => list === undefined).map(({ provider }) => provider),
    keepLists: async () => {
      // A cache that cannot be written costs time, and nobody their setup.
      for (const [file, text] of held) await writeCache(file, text).catch(() => undefined);
    },
  };
}
