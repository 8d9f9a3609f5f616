import type { Key } from "../key.ts";
import { formatModelRef, type ModelRef } from "../model-ref.ts";
import type { Verdict, VerdictKind } from "../verdict/verdict.ts";

/** A lane that a request has asked. */
export interface TriedLane {
  readonly ref: ModelRef;
  readonly key: Key;
  readonly startedMs: number;
  /** Why it failed; undefined while it runs and when it served. */
  readonly verdict: Verdict | undefined;
  /** Whether the call finds out if a cooldown is over. */
  readonly probe: boolean;
  /** Asked although its declared cooldown lasts, because nothing else was left. */
  readonly isLastResort: boolean;
}

/**
 * What a wait is for: the model that was asked for, any lane that cools down, our own pacing, or a reset of quota. Each has its own limit,
 * so that standing in our queue does not use up the time that a cooling lane is worth.
 */
export type WaitBudget = "patience" | "cooldown" | "queue" | "hold";

/** A soft failure of a lane within one request: the lane is left alone for a while, and is not excluded. */
export interface Pause {
  kind: VerdictKind;
  /** Failures of the lane in this request. */
  failures: number;
  /** `NEVER_MS` once the time for trying again is used up. */
  untilMs: number;
  /** Whether lanes that have not failed go first even when the pause is over. Not after a mere "wait a moment". */
  isDemoting: boolean;
}

/** What one request has been through; the next step is computed from it and from the state of the lanes. */
export interface Progress {
  targets: readonly ModelRef[];
  attempts: TriedLane[];
  /** Ruled out for the rest of the request, by hard failures. */
  excludedKeys: Set<string>;
  excludedLanes: Set<string>;
  excludedModels: Set<string>;
  excludedProviders: Set<string>;
  /** Models that failed softly as a whole: the other models go first. */
  avoidedModels: Set<string>;
  /** Models on which this request met a failure that is not a limit: no more patience for those. */
  strained: Set<string>;
  /** Lanes that failed softly, by `laneId`. */
  pauses: Map<string, Pause>;
  /** The lane that is to be tried once more before any other. */
  again: string | undefined;
  /** Waits so far, each by the budget it was charged to. */
  waitedMs: Record<WaitBudget, number>;
  /** Waits for cooldowns, and soft failures after the first one: what `max_wait` bounds. */
  spentMs: number;
  /** This request's share of chance in waits that are computed again and again, from 0 to 1. */
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

/** Whether a hard failure has ruled a lane out for the rest of the request. */
export function isExcluded(progress: Progress, key: Key, ref: ModelRef): boolean {
  const { excludedKeys, excludedProviders, excludedModels, excludedLanes } = progress;
  // Names are put together only where one could be excluded: nearly always nothing is.
  return (
    excludedKeys.has(key.fingerprint) ||
    excludedProviders.has(ref.provider) ||
    (excludedModels.size > 0 && excludedModels.has(formatModelRef(ref))) ||
    (excludedLanes.size > 0 && excludedLanes.has(laneId(key, ref)))
  );
}

/** The lane's pause; one that is over counts as long as the request does. */
export function pauseOf(progress: Progress, key: Key, ref: ModelRef): Pause | undefined {
  return progress.pauses.size === 0 ? undefined : progress.pauses.get(laneId(key, ref));
}

export function triesOn(progress: Progress, key: Key, ref: ModelRef): number {
  const lane = laneId(key, ref);
  return progress.attempts.filter((attempt) => laneId(attempt.key, attempt.ref) === lane).length;
}

/** The waits and soft failures that this request may still spend. */
export function retryLeftMs(progress: Progress, maxWaitMs: number): number {
  return Math.max(0, maxWaitMs - progress.spentMs);
}

/** Timers fire a little late: a retry that was set for the very end of the time still starts. */
const LATE_MS = 1000;

/** Whether a lane that has failed may still be asked again. */
export function mayRetry(progress: Progress, maxWaitMs: number): boolean {
  return progress.spentMs < maxWaitMs + LATE_MS;
}

/** Notes a wait in the budgets it counts against. */
export function chargeWait(progress: Progress, budget: WaitBudget, ms: number): void {
  progress.waitedMs[budget] += ms;
  // Our own pacing is no failure of anyone, and a hold is a wait of its own.
  if (budget !== "queue" && budget !== "hold") progress.spentMs += ms;
}

/** A request that was held begins anew: what failed hours ago says nothing, and what lasts has its cooldown. */
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
