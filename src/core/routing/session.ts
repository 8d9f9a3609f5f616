import type { Key } from "../key.ts";

/** What is remembered of one session of a client while orouter runs. */
export interface Session {
  /** As the client names it, in every process alike. */
  readonly id: string | undefined;
  /** The key it used last, per provider: prompt caches live with the account. */
  stuckTo: Map<string, string>;
  /** 429s in a row, over all its requests. */
  limitedInARow: number;
  /** Overflows handed back since an answer to a full turn last succeeded. */
  overflows: number;
  /** Answers that broke in mid-stream, in a row. */
  broken: number;
}

/** Sessions remembered at a time; the one unused for longest goes first. */
const MAX_SESSIONS = 2_000;

/** The sessions of this run, least recently used first. */
export class SessionBook {
  readonly #sessions = new Map<string, Session>();

  /** A request without a session header gets a session of its own, which is not kept. */
  of(id: string | undefined): Session {
    if (id === undefined) return newSession(undefined);
    const session = this.#sessions.get(id) ?? newSession(id);
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    if (this.#sessions.size > MAX_SESSIONS) {
      const oldest = this.#sessions.keys().next();
      if (!oldest.done) this.#sessions.delete(oldest.value);
    }
    return session;
  }
}

function newSession(id: string | undefined): Session {
  return { id, stuckTo: new Map(), limitedInARow: 0, overflows: 0, broken: 0 };
}

/** A session keeps the first key it is given: its title and its prompt, asked at once, share an account's cache. */
export function stick(session: Session, key: Key): void {
  if (!session.stuckTo.has(key.provider)) session.stuckTo.set(key.provider, key.fingerprint);
}

/** The key that has just failed is not the one to come back to: the session moves on to the next. */
export function unstick(session: Session, failed: Key, keys: readonly Key[]): void {
  if (session.stuckTo.get(failed.provider) !== failed.fingerprint) return;
  const usable = keys.filter((key) => key.enabled);
  const next = usable[(usable.indexOf(failed) + 1) % usable.length];
  if (next !== undefined) session.stuckTo.set(failed.provider, next.fingerprint);
}
