import type { Key } from "../key.ts";
import { mostUrgent, type Standing } from "../quota/rank.ts";
import type { ConversationName } from "./conversation.ts";

/** What is remembered of one session of a client while orouter runs. */
export interface Session {
  /** As the client names it, in every process alike. */
  readonly id: string | undefined;
  /** Whether the id is only how the conversation begins: several at once may share it. */
  readonly isGuess: boolean;
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

/** A session keeps the first key it is given: its title and its prompt, asked at once, share an account's cache. */
export function stick(session: Session, key: Key): void {
  if (!session.stuckTo.has(key.provider)) session.stuckTo.set(key.provider, key.fingerprint);
}

/** A session goes on where it was answered: that is where its prompt cache is now. */
export function restick(session: Session, key: Key, strategy: Strategy): void {
  if (strategy === "auto") session.stuckTo.set(key.provider, key.fingerprint);
}

/**
 * The key that has just failed is not the one to come back to: the session moves on to the next, or to the one whose
 * quota says so.
 */
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

/** Whether a session keeps its key. */
export function keepsSessions(strategy: Strategy): boolean {
  return strategy === "auto" || strategy === "sticky";
}

/** What a strategy may know of a healthy key. */
export interface Candidate {
  key: Key;
  /** Rests that hold for this key now, for any model, and how long they go on in all. */
  cooldowns: number;
  cooldownMs: number;
  inFlight: number;
  lastUsedMs: number;
  /** What its quota says of it; only "auto" asks. */
  standing: Standing;
}

export interface StrategyContext {
  /** The id of the client's session, where it names one. */
  session: string | undefined;
  /** The fingerprint this session used last for the provider. */
  stuckTo: string | undefined;
  /** Counts choices; the place of round-robin. */
  turn: number;
  random: () => number;
}

/** Chooses among healthy keys; undefined only for an empty list. */
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
 * New sessions are spread over the keys that carry least: four sub-agents at once use four keys. Among these a session
 * falls to the same key in every process, since a conversation that is taken up again finds its prompt cache there.
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

/** Rendezvous hashing: a key that goes or comes moves only the sessions that are its own. FNV-1a, and murmur3's end of mixing. */
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
