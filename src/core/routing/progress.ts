import type { Key } from "../key.ts";
import { formatModelRef, type ModelRef } from "../model-ref.ts";
import type { Verdict } from "../verdict/verdict.ts";

/** One upstream call of a request and what came of it. */
export interface Attempt {
  ref: ModelRef;
  key: Key;
  startedMs: number;
  /** Undefined while it runs and when it served. */
  verdict: Verdict | undefined;
  probe: boolean;
}

/**
 * What a wait is for: the model that was asked for, any lane that rests, or our own pacing. Each has its own limit, so
 * that standing in our queue does not use up the time that a resting lane is worth.
 */
export type WaitBudget = "patience" | "rest" | "queue";

/** What one request has been through; the next step is computed from it and from the health of the lanes. */
export interface Progress {
  targets: readonly ModelRef[];
  attempts: Attempt[];
  barredKeys: Set<string>;
  barredLanes: Set<string>;
  barredModels: Set<string>;
  barredProviders: Set<string>;
  /** Models on which this request met a failure of the soft kind: no more patience for those. */
  strained: Set<string>;
  /** The lane that is to be tried once more before any other. */
  again: string | undefined;
  /** Waits so far, each by the budget it was charged to. */
  waitedMs: Record<WaitBudget, number>;
}

export function startProgress(targets: readonly ModelRef[]): Progress {
  return {
    targets,
    attempts: [],
    barredKeys: new Set(),
    barredLanes: new Set(),
    barredModels: new Set(),
    barredProviders: new Set(),
    strained: new Set(),
    again: undefined,
    waitedMs: { patience: 0, rest: 0, queue: 0 },
  };
}

export function laneId(key: Key, ref: ModelRef): string {
  return `${key.fingerprint} ${formatModelRef(ref)}`;
}

/** Whether this request may still use a lane at all. */
export function isBarred(progress: Progress, key: Key, ref: ModelRef): boolean {
  const { barredKeys, barredProviders, barredModels, barredLanes } = progress;
  // Names are put together only where one could be barred: nearly always nothing is.
  return (
    barredKeys.has(key.fingerprint) ||
    barredProviders.has(ref.provider) ||
    (barredModels.size > 0 && barredModels.has(formatModelRef(ref))) ||
    (barredLanes.size > 0 && barredLanes.has(laneId(key, ref)))
  );
}

export function triesOn(progress: Progress, key: Key, ref: ModelRef): number {
  const lane = laneId(key, ref);
  return progress.attempts.filter((attempt) => laneId(attempt.key, attempt.ref) === lane).length;
}
