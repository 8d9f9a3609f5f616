import type { Key } from "../key.ts";
import { formatModelRef, type ModelRef } from "../model-ref.ts";
import type { Verdict, VerdictKind } from "../verdict/verdict.ts";

export interface TriedLane {
  readonly ref: ModelRef;
  readonly key: Key;
  readonly startedMs: number;
  /** Undefined while it runs and if it answered. */
  readonly verdict: Verdict | undefined;
  /** Whether the call tests if a cooldown is over. */
  readonly probe: boolean;
  /** Tried during its declared cooldown, because nothing else was left. */
  readonly isLastResort: boolean;
}

/**
 * The reason for a wait: the requested model, a cooldown, our own pacing, or a quota reset. Each has its own limit, so
 * that time in our queue does not use up the time for cooldowns.
 */
export type WaitBudget = "patience" | "cooldown" | "queue" | "hold";

/** After a soft failure a lane pauses within the request, without being excluded. */
export interface Pause {
  kind: VerdictKind;
  /** Failures of the lane in this request. */
  failures: number;
  /** `NEVER_MS` once the retry budget is used up. */
  untilMs: number;
  /** Whether lanes without a failure go first even after the pause. Not after a short declared wait. */
  isDemoting: boolean;
}

/** The history of one request; the next step is computed from it and from the lanes. */
export interface Progress {
  targets: readonly ModelRef[];
  attempts: TriedLane[];
  /** Excluded for the rest of the request, by hard failures. */
  excludedKeys: Set<string>;
  excludedLanes: Set<string>;
  excludedModels: Set<string>;
  excludedProviders: Set<string>;
  /** Models that failed softly as a whole: the other models go first. */
  avoidedModels: Set<string>;
  /** Models with a failure that is not a limit: `patience` no longer applies to them. */
  strained: Set<string>;
  /** Lanes that failed softly, by `laneId`. */
  pauses: Map<string, Pause>;
  /** The lane that is repeated before any other. */
  again: string | undefined;
  /** Waits so far, by budget. */
  waitedMs: Record<WaitBudget, number>;
  /** Waits for cooldowns, and soft failures after the first one; limited by `max_wait`. */
  spentMs: number;
  /** The jitter of this request, from 0 to 1: waits are computed repeatedly and must not change. */
  jitter: number;
}

export function startProgress(targets: readonly ModelRef[], jitter = 0): Progress {
  return {
    targets,
    attempts: [],
    excludedKeys: new Set(),
    excludedLanes: new Set(),
    excludedModels: new Set(),
    excludedProviders: new Set(),
    avoidedModels: new Set(),
    strained: new Set(),
    pauses: new Map(),
    again: undefined,
    waitedMs: { patience: 0, cooldown: 0, queue: 0, hold: 0 },
    spentMs: 0,
    jitter,
  };
}

export function laneId(key: Key, ref: ModelRef): string {
  return `${key.fingerprint} ${formatModelRef(ref)}`;
}

/** True after a hard failure. */
export function isExcluded(progress: Progress, key: Key, ref: ModelRef): boolean {
  const { excludedKeys, excludedProviders, excludedModels, excludedLanes } = progress;
  // Build the names only if something is excluded, which is rare.
  return (
    excludedKeys.has(key.fingerprint) ||
    excludedProviders.has(ref.provider) ||
    (excludedModels.size > 0 && excludedModels.has(formatModelRef(ref))) ||
    (excludedLanes.size > 0 && excludedLanes.has(laneId(key, ref)))
  );
}

export function pauseOf(progress: Progress, key: Key, ref: ModelRef): Pause | undefined {
  return progress.pauses.size === 0 ? undefined : progress.pauses.get(laneId(key, ref));
}

export function triesOn(progress: Progress, key: Key, ref: ModelRef): number {
  const lane = laneId(key, ref);
  return progress.attempts.filter((attempt) => laneId(attempt.key, attempt.ref) === lane).length;
}

/** The remaining budget for waits and soft failures. */
export function retryLeftMs(progress: Progress, maxWaitMs: number): number {
  return Math.max(0, maxWaitMs - progress.spentMs);
}

/** Timers fire slightly late: a retry at the very end of the budget still starts. */
const LATE_MS = 1000;

/** Whether a lane that has failed may be tried again. */
export function mayRetry(progress: Progress, maxWaitMs: number): boolean {
  return progress.spentMs < maxWaitMs + LATE_MS;
}

export function chargeWait(progress: Progress, budget: WaitBudget, ms: number): void {
  progress.waitedMs[budget] += ms;
  // Our own pacing is not a failure, and a hold has its own limit.
  if (budget !== "queue" && budget !== "hold") progress.spentMs += ms;
}

/** A request that was held starts anew: failures from hours ago say nothing, and lasting ones have cooldowns. */
export function forgetFailures(progress: Progress): void {
  progress.excludedKeys.clear();
  progress.excludedLanes.clear();
  progress.excludedProviders.clear();
  progress.avoidedModels.clear();
  progress.strained.clear();
  progress.pauses.clear();
  progress.again = undefined;
  progress.spentMs = 0;
}
