import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Dialect, dialectSpec } from "../core/dialect/registry.ts";
import { BEARER, keyHeader } from "../core/key.ts";

/** Writes atomically, readable only by the owner, and creates the folder if it is missing. */
export type WriteFile = (file: string, text: string) => Promise<void>;

export interface Kept {
  text: string;
  savedMs: number;
}

/** Losing the cache only costs time, so no method throws. */
export interface CacheFolder {
  /** `about` separates contents of the same name: after a change of address nothing is cached. */
  read: (name: string, about: string) => Promise<Kept | undefined>;
  write: (name: string, about: string, text: string) => Promise<void>;
  /** Returns the number of files removed. */
  clear: () => Promise<number>;
}

/** Only files with such names are ours to remove. */
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
      // A full disk costs us the cache, not the run.
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

export type Answer =
  | { kind: "json"; value: unknown }
  /** `status` is 0 if no response came. */
  | { kind: "failed"; status: number; message: string };

export interface Question {
  url: string;
  /** Sent as the key; undefined sends none. */
  secret?: string | undefined;
  /** Where the key goes; absent: bearer. */
  auth?: string | undefined;
  /** Absent: the question is not asked in a dialect. */
  dialect?: Dialect | undefined;
  signal: AbortSignal;
}

/** The largest real catalog has 3 MB; an endless page must not fill the memory. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Never throws: a missing catalog is not a failure of the run. */
export async function getJson({ url, secret, auth = BEARER, dialect, signal }: Question): Promise<Answer> {
  try {
    const response = await fetch(url, {
      headers: {
        accept: "application/json",
        ...(dialect === undefined ? {} : dialectSpec(dialect).requiredHeaders),
        ...(secret === undefined ? {} : Object.fromEntries([keyHeader(auth, secret)])),
      },
      // A key must not follow a redirect to another address.
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
    // The system's error text may contain addresses, so report only which of the two happened.
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

/** Undefined after `waitMs`; the work continues either way. */
export async function withTimeout<T>(work: Promise<T>, waitMs: number): Promise<T | undefined> {
  if (waitMs <= 0) return undefined;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, waitMs, undefined);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

export interface FetchPolicy {
  mustAsk: (list: { isFresh: boolean; refreshOnList: boolean }) => boolean;
  /** 0: use the cache, and save the response for the next time. */
  waitMs: (isCached: boolean) => number;
  limitMs: number;
}

const SECOND = 1000;

export const FETCH_POLICIES = {
  never: { mustAsk: () => false, waitMs: () => 0, limitMs: 0 },
  /** Does not wait while there is a cached list; a late response is used the next time. */
  launch: {
    mustAsk: ({ isFresh }) => !isFresh,
    waitMs: (isCached) => (isCached ? 0 : SECOND),
    limitMs: 30 * SECOND,
  },
  list: {
    mustAsk: ({ isFresh, refreshOnList }) => refreshOnList || !isFresh,
    waitMs: () => 5 * SECOND,
    limitMs: 5 * SECOND,
  },
  info: { mustAsk: ({ isFresh }) => !isFresh, waitMs: () => 5 * SECOND, limitMs: 5 * SECOND },
  refresh: { mustAsk: () => true, waitMs: () => 15 * SECOND, limitMs: 15 * SECOND },
} as const satisfies Record<string, FetchPolicy>;
