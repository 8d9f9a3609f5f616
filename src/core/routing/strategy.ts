import type { Key } from "../key.ts";

export const STRATEGIES = ["sticky", "random", "round-robin", "least-failures"] as const;

export type Strategy = (typeof STRATEGIES)[number];

/** What a strategy may know of a healthy key. */
export interface Candidate {
  key: Key;
  /** Rests that hold for this key now, for any model, and how long they go on in all. */
  rests: number;
  restMs: number;
  inFlight: number;
  lastUsedMs: number;
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
  return a.rests - b.rests || a.restMs - b.restMs || a.lastUsedMs - b.lastUsedMs;
}
