import type { Key } from "../core/key.ts";
import type { QuotaRecord, Reading } from "../core/quota/quota.ts";
import { type QuotaEndpoint, readQuotaReply } from "../core/quota/readers.ts";
import { providerWords } from "../core/scrub.ts";

/** A key whose provider can be asked. */
export interface PollTarget {
  key: Key;
  endpoint: QuotaEndpoint;
}

export interface QuotaPollerOptions {
  /** The keys in use that can be asked about, as the settings have them now; none while `[quota]` is off. */
  targets: () => readonly PollTarget[];
  recordOf: (key: Key) => QuotaRecord | undefined;
  /** When a call with the key last began; 0 for never. */
  usedMs: (key: Key) => number;
  /** When a request could last use the provider; 0 for never. */
  wantedMs: (provider: string) => number;
  /** Since when the key has been out of use for a spent quota; undefined where it is not. */
  spentSinceMs: (key: Key) => number | undefined;
  pollMs: () => number;
  ask: (endpoint: QuotaEndpoint, secret: string) => Promise<Reading>;
  take: (key: Key, reading: Reading) => void;
  /** Takes in what other processes have read meanwhile. */
  refresh: () => Promise<void>;
  nowMs: () => number;
}

const MINUTE_MS = 60_000;

/** How long after its last call a key counts as in use, and its provider. */
const IN_USE_MS = 5 * MINUTE_MS;
const PROVIDER_IN_USE_MS = 60 * MINUTE_MS;

/** A spent key may be topped up, or its plan may change. */
const SPENT_MS = 5 * MINUTE_MS;

/** A key that is not in use is read now and then, so that its rank among the others is known. */
const IDLE_MS = 10 * MINUTE_MS;

/** What has no plan or no right to read is not asked again soon. */
const HOPELESS_MS = 60 * MINUTE_MS;

/** Readings that found out nothing in a row make the next one rarer. */
const LONGEST_MS = 30 * MINUTE_MS;

/** Not even a refusal has a key read twice within this time. */
const LEAST_MS = 8_000;

/** Providers may take a moment to count anew. */
const AFTER_RESET_MS = 2_000;

/** Readings at a time. */
const AT_ONCE = 3;

/** Reads the quotas of keys in use, each account once. */
export class QuotaPoller {
  readonly #options: QuotaPollerOptions;
  /** Accounts that were asked, by address and secret: when, and how often in vain. */
  readonly #asked = new Map<string, { atMs: number; inVain: number }>();
  #isBusy = false;

  constructor(options: QuotaPollerOptions) {
    this.#options = options;
  }

  /** Reads what is due. One round at a time; call it every few seconds. */
  async round(): Promise<void> {
    if (this.#isBusy || this.#due().length === 0) return;
    this.#isBusy = true;
    try {
      await this.#options.refresh();
      const due = this.#due();
      const workers = Array.from({ length: Math.min(AT_ONCE, due.length) }, async () => {
        for (let pool = due.shift(); pool !== undefined; pool = due.shift()) await this.#read(pool);
      });
      await Promise.all(workers);
    } finally {
      this.#isBusy = false;
    }
  }

  /** The accounts to read, each with all the keys that stand for it. */
  #due(): PollTarget[][] {
    const { targets, wantedMs, nowMs } = this.#options;
    const all = targets();
    const now = nowMs();
    const pools = Map.groupBy(all, accountOf);
    return [...pools.values()].filter((pool) =>
      pool.some((target) => this.#isDue(target, wantedMs(target.key.provider), now)),
    );
  }

  #isDue(target: PollTarget, providerUsedMs: number, nowMs: number): boolean {
    if (nowMs - providerUsedMs > PROVIDER_IN_USE_MS) return false;
    const lastMs = this.#lastMs(target);
    if (lastMs === undefined) return true;
    // A clock that was set back must not stop the readings.
    const ageMs = Math.abs(nowMs - lastMs);
    return ageMs >= this.#intervalMs(target, lastMs, nowMs);
  }

  #intervalMs({ key, endpoint }: PollTarget, lastMs: number, nowMs: number): number {
    const { recordOf, usedMs, spentSinceMs, pollMs } = this.#options;
    const kind = recordOf(key)?.reading.kind;
    const spentSince = spentSinceMs(key);
    // A refusal after the last reading: the reset is wanted.
    if (spentSince !== undefined && spentSince > lastMs) return LEAST_MS;
    if (wasReset(recordOf(key), lastMs, nowMs)) return LEAST_MS;
    if (kind === "no-plan" || kind === "key-rejected") return HOPELESS_MS;
    const inVain = this.#asked.get(accountOf({ key, endpoint }))?.inVain ?? 0;
    const isInUse = nowMs - usedMs(key) <= IN_USE_MS;
    const usual = spentSince !== undefined ? SPENT_MS : isInUse ? pollMs() : IDLE_MS;
    return Math.max(pollMs(), Math.min(LONGEST_MS, usual * 2 ** Math.min(inVain, 6)));
  }

  /** When the account was last asked, by this process or another. */
  #lastMs(target: PollTarget): number | undefined {
    const own = this.#asked.get(accountOf(target))?.atMs;
    const shared = this.#options.recordOf(target.key)?.atMs;
    if (own === undefined) return shared;
    return Math.max(own, shared ?? 0);
  }

  async #read(pool: readonly PollTarget[]): Promise<void> {
    const [first] = pool;
    if (first === undefined) return;
    const { ask, take, nowMs } = this.#options;
    const id = accountOf(first);
    const inVain = this.#asked.get(id)?.inVain ?? 0;
    this.#asked.set(id, { atMs: nowMs(), inVain });
    const reading = await ask(first.endpoint, first.key.secret);
    this.#asked.set(id, { atMs: nowMs(), inVain: reading.kind === "unknown" ? inVain + 1 : 0 });
    for (const { key } of pool) take(key, reading);
  }
}

/** What was read of a window ends with its reset. */
function wasReset(record: QuotaRecord | undefined, lastMs: number, nowMs: number): boolean {
  return (record?.quotas ?? []).some(
    ({ blocking, resetsAt = 0 }) =>
      blocking && resetsAt + AFTER_RESET_MS > lastMs && resetsAt + AFTER_RESET_MS <= nowMs,
  );
}

function accountOf({ key, endpoint }: PollTarget): string {
  return `${endpoint.url.replace(/\?.*/, "")} ${key.fingerprint}`;
}

const ASK_MS = 8_000;

/** Replies are a few hundred bytes. */
const MOST_BYTES = 512 * 1024;

/** Asks a provider what is left on a key. Never throws; bounded in time and size, and follows no redirect. */
export async function readQuota(
  endpoint: QuotaEndpoint,
  secret: string,
  nowMs: number,
  askMs: number = ASK_MS,
): Promise<Reading> {
  const leaving = new AbortController();
  const timer = setTimeout(() => leaving.abort(), askMs);
  try {
    const response = await fetch(endpoint.url, {
      headers: { authorization: `Bearer ${secret}`, accept: "application/json" },
      // The key is for this origin only.
      redirect: "manual",
      signal: leaving.signal,
    });
    if (response.status >= 300 && response.status < 400) {
      return { kind: "unknown", why: "the provider redirects to another address" };
    }
    const body = await boundedText(response);
    if (body === undefined) return { kind: "unknown", why: "the reply is too long" };
    const reading = readQuotaReply(endpoint, { status: response.status, body }, nowMs);
    return reading.kind === "unknown" ? { ...reading, why: providerWords(reading.why, [secret]) } : reading;
  } catch {
    // The words of network errors may repeat the address; that there was no answer is all that counts.
    return {
      kind: "unknown",
      why: leaving.signal.aborted ? "no answer in time" : "the provider cannot be reached",
    };
  } finally {
    clearTimeout(timer);
    leaving.abort();
  }
}

async function boundedText({ body }: Response): Promise<string | undefined> {
  if (body === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MOST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
