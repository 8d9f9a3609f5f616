/** So long a provider whose replies came out of order gets a connection of its own for each call. */
const DOUBT_MS = 10 * 60_000;

/** Ids of answers remembered for each provider. */
const MAX_IDS = 256;

/** Shorter ids are drawn from so few that two answers may have the same. */
const UNIQUE_ID_CHARS = 16;

/**
 * Whether replies fit the requests they came for. A provider that sends one reply too many answers the next request on
 * the same connection with it. The runtime does not show that, so the answers themselves are looked at: the same answer
 * twice, or one that is none, costs the provider the reuse of its connections for a while.
 */
export class ReplyTrust {
  readonly #doubtedUntilMs = new Map<string, number>();
  readonly #ids = new Map<string, Set<string>>();
  /** Providers that give several answers one id, as caches do: it says nothing there. */
  readonly #repeating = new Set<string>();

  /** Whether a call may use a connection that has carried another one. */
  mayReuse(provider: string, nowMs: number): boolean {
    return (this.#doubtedUntilMs.get(provider) ?? 0) <= nowMs;
  }

  doubt(provider: string, nowMs: number): void {
    this.#doubtedUntilMs.set(provider, nowMs + DOUBT_MS);
  }

  /** Whether an answer with this id has already been given to another request. It is noted from now on. */
  isForeign(provider: string, id: string, nowMs: number): boolean {
    if (id.length < UNIQUE_ID_CHARS || this.#repeating.has(provider)) return false;
    const ids = this.#ids.get(provider) ?? new Set();
    this.#ids.set(provider, ids);
    const isKnown = ids.has(id);
    ids.add(id);
    if (ids.size > MAX_IDS) this.#ids.set(provider, new Set([...ids].slice(1 - MAX_IDS / 2)));
    if (!isKnown) return false;
    if (this.mayReuse(provider, nowMs)) {
      this.doubt(provider, nowMs);
      return true;
    }
    // No other reply can have come on a connection of its own.
    this.#repeating.add(provider);
    this.#ids.delete(provider);
    return false;
  }
}
