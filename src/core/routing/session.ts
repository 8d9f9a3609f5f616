import type { Key } from "../key.ts";
import { mostUrgent, type Standing } from "../quota/rank.ts";

/** What tells one conversation of a client from another. */
export interface ConversationName {
  /** As the client names it. */
  id: string | undefined;
  /** Where the client names none: how the conversation begins. Two of them may begin alike. */
  guess: string | undefined;
}

export interface Session {
  /** As the client names it, the same in every process. */
  readonly id: string | undefined;
  /** Whether the id is only how the conversation begins: several at once may share it. */
  readonly isGuess: boolean;
  /** The key it used last, per provider: prompt caches live with the account. */
  stuckTo: Map<string, string>;
  /** Consecutive 429s over all its requests. */
  limitedInARow: number;
  /** Overflows since the last answer to a full turn. */
  overflows: number;
  /** Consecutive answers that broke off. */
  broken: number;
}

/** The session unused for longest is dropped first. */
const MAX_SESSIONS = 2_000;

/** Least recently used first. */
export class SessionBook {
  readonly #sessions = new Map<string, Session>();

  /** A request of which nothing tells the conversation gets a session of its own, which is not kept. */
  of(id: string | undefined, isGuess = false): Session {
    if (id === undefined) return newSession(undefined, false);
    const session = this.#sessions.get(id) ?? newSession(id, isGuess);
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    if (this.#sessions.size > MAX_SESSIONS) {
      const oldest = this.#sessions.keys().next();
      if (!oldest.done) this.#sessions.delete(oldest.value);
    }
    return session;
  }

  ofConversation({ id, guess }: ConversationName): Session {
    return id === undefined ? this.of(guess, true) : this.of(id);
  }
}

function newSession(id: string | undefined, isGuess: boolean): Session {
  return { id, isGuess, stuckTo: new Map(), limitedInARow: 0, overflows: 0, broken: 0 };
}

/** A session keeps its first key, so that its parallel title and prompt use the same cache. */
export function stick(session: Session, key: Key): void {
  if (!session.stuckTo.has(key.provider)) session.stuckTo.set(key.provider, key.fingerprint);
}

/** The session moves to the key that answered: its prompt cache is there now. */
export function restick(session: Session, key: Key, strategy: Strategy): void {
  if (strategy === "auto") session.stuckTo.set(key.provider, key.fingerprint);
}

/** The session leaves the key that has just failed, for the next one or the one with the most suitable quota. */
export function unstick(session: Session, failed: Key, keys: readonly Key[], strategy: Strategy): void {
  if (session.stuckTo.get(failed.provider) !== failed.fingerprint) return;
  if (strategy === "auto") {
    session.stuckTo.delete(failed.provider);
    return;
  }
  const usable = keys.filter((key) => key.enabled);
  const next = usable[(usable.indexOf(failed) + 1) % usable.length];
  if (next !== undefined) session.stuckTo.set(failed.provider, next.fingerprint);
}

/**
 * What a choice of a key may know of a session. Requests that merely begin alike, at the same time, are not crowded onto
 * one key: while it is busy each goes where there is room.
 */
export function sessionContext(
  session: Session,
  provider: string,
  isBusy: (fingerprint: string) => boolean,
): Pick<StrategyContext, "session" | "stuckTo"> {
  const stuckTo = session.stuckTo.get(provider);
  if (session.isGuess && stuckTo !== undefined && isBusy(stuckTo))
    return { session: undefined, stuckTo: undefined };
  return { session: session.id, stuckTo };
}

export const STRATEGIES = ["auto", "sticky", "random", "round-robin", "least-failures"] as const;

export type Strategy = (typeof STRATEGIES)[number];

export function keepsSessions(strategy: Strategy): boolean {
  return strategy === "auto" || strategy === "sticky";
}

export interface Candidate {
  key: Key;
  /** Active cooldowns of this key for any model, and the time they last in total. */
  cooldowns: number;
  cooldownMs: number;
  inFlight: number;
  lastUsedMs: number;
  /** The key's quota; only "auto" uses it. */
  standing: Standing;
}

export interface StrategyContext {
  /** The id of the client's session, if it names one. */
  session: string | undefined;
  /** The key that this session used last for the provider. */
  stuckTo: string | undefined;
  /** Counts choices, for round-robin. */
  turn: number;
  random: () => number;
}

/** Undefined only for an empty list. */
export function chooseKey(
  strategy: Strategy,
  candidates: readonly Candidate[],
  context: StrategyContext,
): Candidate | undefined {
  switch (strategy) {
    case "auto":
      return (
        candidates.find((one) => one.key.fingerprint === context.stuckTo) ??
        leastBusy(mostUrgent(candidates), context)
      );
    case "sticky":
      return (
        candidates.find((one) => one.key.fingerprint === context.stuckTo) ?? leastBusy(candidates, context)
      );
    case "random":
      return candidates[Math.floor(context.random() * candidates.length)];
    case "round-robin":
      return candidates[context.turn % candidates.length];
    case "least-failures":
      return [...candidates].sort(byFailures)[0];
  }
}

/**
 * New sessions go to the keys with the least load: four parallel sub-agents use four keys. Among equal keys a session
 * gets the same one in every process, since a resumed conversation finds its prompt cache there.
 */
function leastBusy(
  candidates: readonly Candidate[],
  { session, random }: StrategyContext,
): Candidate | undefined {
  const least = Math.min(...candidates.map((one) => one.inFlight));
  const idle = candidates.filter((one) => one.inFlight === least);
  if (session === undefined) return idle[Math.floor(random() * idle.length)];
  const [first] = idle
    .map((one) => ({ one, score: scoreOf(session, one.key.fingerprint) }))
    .sort((a, b) => b.score - a.score);
  return first?.one;
}

/**
 * Rendezvous hashing: adding or removing a key moves only the sessions of that key. FNV-1a with the finalizer of
 * murmur3.
 */
function scoreOf(session: string, fingerprint: string): number {
  let hash = 0x811c9dc5;
  for (const char of `${session} ${fingerprint}`)
    hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function byFailures(a: Candidate, b: Candidate): number {
  return a.cooldowns - b.cooldowns || a.cooldownMs - b.cooldownMs || a.lastUsedMs - b.lastUsedMs;
}
