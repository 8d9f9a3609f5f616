import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DEFAULT_DIALECT, type Dialect, dialectSpec } from "../core/dialect/registry.ts";

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

/** What came of asking for JSON. */
export type Answer =
  | { kind: "json"; value: unknown }
  /** `status` is 0 where no answer came. */
  | { kind: "failed"; status: number; message: string };

export interface Question {
  url: string;
  /** Sent as the key; undefined: none is. */
  secret?: string | undefined;
  /** Says where the key goes. */
  dialect?: Dialect | undefined;
  signal: AbortSignal;
}

/** The largest catalogue there is has 3 MB; a stranger's endless page must not fill the memory. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Asks for JSON. It does not throw: a catalogue that cannot be had is no failure of the run. */
export async function getJson({ url, secret, dialect = DEFAULT_DIALECT, signal }: Question): Promise<Answer> {
  try {
    const response = await fetch(url, {
      headers: {
        accept: "application/json",
        ...(secret === undefined ? {} : Object.fromEntries([dialectSpec(dialect).authHeader(secret)])),
      },
      // A key is for its own address only.
      redirect: secret === undefined ? "follow" : "manual",
      signal,
    });
    if (!response.ok) {
      void response.body?.cancel().catch(() => {});
      return { kind: "failed", status: response.status, message: `it answers with HTTP ${response.status}` };
    }
    const text = await readAll(response);
    return text === undefined ? failed("its answer is too long") : parse(text);
  } catch {
    // What the system says may name addresses; what counts is which of the two it was.
    return failed(signal.aborted ? "it does not answer in time" : "it cannot be reached");
  }
}

function failed(message: string): Answer {
  return { kind: "failed", status: 0, message };
}

function parse(text: string): Answer {
  try {
    return { kind: "json", value: JSON.parse(text) };
  } catch {
    return failed("its answer is no JSON");
  }
}

async function readAll(response: Response): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > MAX_BYTES) return undefined;
    parts.push(part);
  }
  return new TextDecoder().decode(Buffer.concat(parts));
}

/** What some work comes to, if it does so in time; the work goes on either way. */
export async function within<T>(work: Promise<T>, waitMs: number): Promise<T | undefined> {
  if (waitMs <= 0) return undefined;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, waitMs, undefined);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** How fresh a catalogue has to be, and how long that may take. */
export interface Patience {
  mustAsk: (list: { isFresh: boolean; refreshOnList: boolean }) => boolean;
  /** 0: what comes is for the cache only. */
  waitMs: (isCached: boolean) => number;
  /** When every question ends. */
  limitMs: number;
}

const SECOND = 1000;

/** One for each occasion. */
export const PATIENCE = {
  /** Nobody wants to know how it is now. */
  never: { mustAsk: () => false, waitMs: () => 0, limitMs: 0 },
  /** Nobody waits for a list while an old one will do; what comes late is there the next time. */
  launch: {
    mustAsk: ({ isFresh }) => !isFresh,
    waitMs: (isCached) => (isCached ? 0 : SECOND),
    limitMs: 30 * SECOND,
  },
  /** Somebody wants to see it as it is. */
  list: {
    mustAsk: ({ isFresh, refreshOnList }) => refreshOnList || !isFresh,
    waitMs: () => 5 * SECOND,
    limitMs: 5 * SECOND,
  },
  /** Somebody wants to know about one model. */
  info: { mustAsk: ({ isFresh }) => !isFresh, waitMs: () => 5 * SECOND, limitMs: 5 * SECOND },
  /** Somebody has said so. */
  refresh: { mustAsk: () => true, waitMs: () => 15 * SECOND, limitMs: 15 * SECOND },
} as const satisfies Record<string, Patience>;
