import type { VerdictKind } from "../verdict/verdict.ts";

/** Limits wait longer than hiccups: a provider that counts calls also counts those that it refuses. */
const FIRST_MS: Partial<Record<VerdictKind, number>> = {
  "rate-limit": 2000,
  concurrency: 1000,
  overloaded: 1000,
};

/** A broken connection is tried again before anyone notices. */
const USUAL_FIRST_MS = 300;

/** Below the 10 s that opencode 2 waits at most, so that a lane is tried at least as often as the agent would try it. */
const LONGEST_MS = 8000;

/** How much of a wait is left to chance: two requests that failed together should not come back together. */
const JITTER = 0.25;

/** The wait before a lane that has failed softly is asked again. `jitter` is between 0 and 1. */
export function backoffMs(kind: VerdictKind, failures: number, jitter: number): number {
  const fullMs = Math.min(LONGEST_MS, (FIRST_MS[kind] ?? USUAL_FIRST_MS) * 2 ** (failures - 1));
  return Math.round(fullMs * (1 - JITTER + JITTER * jitter));
}
