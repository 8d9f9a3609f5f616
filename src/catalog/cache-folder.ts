import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** Writes a file for its owner alone, at once or not at all, with its folder where that is missing. */
export type WriteFile = (file: string, text: string) => Promise<void>;

/** Something kept, and when it was. */
export interface Kept {
  text: string;
  savedMs: number;
}

/** The folder of catalogues: whatever happens to it, only time is lost. No method throws. */
export interface CacheFolder {
  /** `about` tells two contents of one name apart: an address that was changed has nothing cached. */
  read: (name: string, about: string) => Promise<Kept | undefined>;
  write: (name: string, about: string, text: string) => Promise<void>;
  /** Removes all that was ever kept; returns how many files that were. */
  clear: () => Promise<number>;
}

/** Only files named like this are ours to remove. */
const OURS = /^catalog-.*\.json$/;
const MAX_NAME_CHARS = 80;

export function openCacheFolder(folder: string, writeFile: WriteFile): CacheFolder {
  const fileOf = (name: string, about: string): string => {
    const safe = encodeURIComponent(name).slice(0, MAX_NAME_CHARS);
    return join(folder, `catalog-${safe}-${Bun.hash(`${name} ${about}`).toString(36)}.json`);
  };
  return {
    read: async (name, about) => {
      const file = fileOf(name, about);
      try {
        const [text, { mtimeMs }] = await Promise.all([readFile(file, "utf8"), stat(file)]);
        return { text, savedMs: mtimeMs };
      } catch {
        return undefined;
      }
    },
    write: async (name, about, text) => {
      // A disk that is full costs us the cache, and nobody their run.
      await writeFile(fileOf(name, about), text).catch(() => undefined);
    },
    clear: async () => {
      const names = await readdir(folder).catch(() => []);
      const ours = names.filter((name) => OURS.test(name));
      await Promise.all(ours.map((name) => rm(join(folder, name), { force: true }).catch(() => undefined)));
      return ours.length;
    },
  };
}
