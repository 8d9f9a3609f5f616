import type { CacheFolder, Kept } from "../catalog/cache-folder.ts";

/** Lives as long as the process: a library writes no files unasked. */
const kept = new Map<string, Kept>();

/** What was fetched with one key. Another key may be shown other models. */
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
