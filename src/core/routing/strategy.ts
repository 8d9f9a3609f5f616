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
        candidates.find((one) => one.key.fingerprint === context.stuckTo) ??
        leastBusy(candidates, context.random)
      );
    case "random":
      return candidates[Math.floor(context.random() * candidates.length)];
    case "round-robin":
      return candidates[context.turn % candidates.length];
    case "least-failures":
      return [...candidates].sort(byFailures)[0];
  }
}

/** New sessions are spread at random, over the keys that carry least: four sub-agents at once use four keys. */
function leastBusy(candidates: readonly Candidate[], random: () => number): Candidate | undefined {
  const least = Math.min(...candidates.map((one) => one.inFlight));
  const idle = candidates.filter((one) => one.inFlight === least);
  return idle[Math.floor(random() * idle.length)];
}

function byFailures(a: Candidate, b: Candidate): number {
  return a.rests - b.rests || a.restMs - b.restMs || a.lastUsedMs - b.lastUsedMs;
}
