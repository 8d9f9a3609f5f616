import {
  amountLeft,
  countsModel,
  isCurrent,
  isSpent,
  type Quota,
  type QuotaRecord,
  shareLeft,
} from "./quota.ts";

/** What a key's quota says of it when a new session is looking for a key. */
export interface Standing {
  /**
   * 0: quota that expires, 1: nothing known, 2: money, which never expires, 3: a short window that is nearly used up.
   */
  tier: 0 | 1 | 2 | 3;
  /** In tier 0: how soon what is left would be lost, in resets an hour. */
  urgency: number;
}

export const UNKNOWN_STANDING: Standing = { tier: 1, urgency: 0 };

/** A session would soon have to leave a key whose short window has no more than this left. */
const NEARLY_SPENT = 0.04;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A window that begins with its first use counts as a whole one. */
const LENGTH_MS: Partial<Record<Quota["window"], number>> = {
  hour: HOUR_MS,
  "5h": 5 * HOUR_MS,
  day: 24 * HOUR_MS,
  week: 7 * 24 * HOUR_MS,
  month: 30 * 24 * HOUR_MS,
};

const SHORT: ReadonlySet<Quota["window"]> = new Set(["minute", "hour", "5h"]);

/** A reading this old no longer says how much is left, only that there is a plan. */
const OLD_MS = 6 * HOUR_MS;

/**
 * Where a key stands among the others. Short windows say whether a session should begin on it, long ones how soon its
 * quota would be lost.
 */
export function standingOf(
  record: QuotaRecord | undefined,
  model: string,
  { nowMs, reserve }: { nowMs: number; reserve: number },
): Standing {
  if (record === undefined || nowMs - record.quotasAtMs > OLD_MS) return UNKNOWN_STANDING;
  const windows = record.quotas.filter(
    (quota) => quota.blocking && countsModel(quota, model) && isCurrent(quota, nowMs),
  );
  const timed = windows.filter(({ window }) => window !== "credit");
  if (windows.length === 0) return UNKNOWN_STANDING;
  if (timed.length === 0 || timed.every((quota) => isSpent(quota, reserve))) return { tier: 2, urgency: 0 };
  const long = timed.filter(({ window }) => !SHORT.has(window));
  const binding = bindingOf(long.length > 0 ? long : timed);
  const isNearlySpent = timed.some(
    (quota) => SHORT.has(quota.window) && (shareLeft(quota) ?? 1) - reserve <= NEARLY_SPENT,
  );
  return { tier: isNearlySpent ? 3 : 0, urgency: HOUR_MS / untilResetMs(binding, nowMs) };
}

/** The window that ends first by what is left in it: what the others have left over is not lost at its reset. */
function bindingOf(windows: readonly Quota[]): Quota | undefined {
  const units = new Set(windows.map(({ unit }) => unit));
  const isComparable = units.size === 1 && !units.has("percent");
  const left = (quota: Quota): number =>
    // Of shares alone one can only say that longer windows hold more.
    (isComparable ? amountLeft(quota) : undefined) ??
    (shareLeft(quota) ?? 1) * (LENGTH_MS[quota.window] ?? 0);
  return windows.toSorted((a, b) => left(a) - left(b))[0];
}

function untilResetMs(quota: Quota | undefined, nowMs: number): number {
  if (quota === undefined) return HOUR_MS;
  const whole = LENGTH_MS[quota.window] ?? 24 * HOUR_MS;
  return Math.max(MINUTE_MS, (quota.resetsAt ?? nowMs + whole) - nowMs);
}

/** Urgencies within this factor are the same: keys are not changed for small differences. */
const ALIKE = 1.2;

/** The candidates among which the next session is spread: the best tier, and the most urgent in it. */
export function mostUrgent<One extends { standing: Standing; inFlight: number }>(
  candidates: readonly One[],
): One[] {
  const tier = Math.min(...candidates.map(({ standing }) => standing.tier));
  const best = candidates.filter(({ standing }) => standing.tier === tier);
  // What is at work on a key takes from it before the next reading shows it.
  const pressure = ({ standing, inFlight }: One): number => standing.urgency / (1 + inFlight);
  const most = Math.max(...best.map(pressure));
  return best.filter((one) => pressure(one) * ALIKE >= most);
}
