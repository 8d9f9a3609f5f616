import { formatClock, formatWait } from "../text.ts";
import {
  amountLeft,
  amountUsed,
  isCurrent,
  type Quota,
  type QuotaRecord,
  type QuotaWindow,
  shareLeft,
  type TrailPoint,
  trailId,
} from "./quota.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** How a window ends at the pace of late. */
export type Forecast =
  /** It runs dry before its reset; a balance without a reset only has the first time. */
  | { kind: "dry"; atMs: number; beforeResetMs: number | undefined }
  /** It lasts until its reset; `usedShare` is what will be used by then. */
  | { kind: "lasts"; usedShare: number }
  /** There is too little to go by. */
  | { kind: "unknown" };

const UNKNOWN: Forecast = { kind: "unknown" };

/** The pace of late is taken from so much time, from at least so many steps over at least so long. */
const RECENT_MS = 3 * HOUR_MS;
const LEAST_STEPS = 3;
const LEAST_MS = 10 * MINUTE_MS;

/** Further ahead than this the habit counts, not the pace of late. */
const NEAR_MS = 3 * HOUR_MS;

/** A habit needs days to be one. */
const HABIT_FROM_MS = 3 * DAY_MS;

/** A balance that lasts longer is not worth a forecast. */
const LONGEST_MS = 90 * DAY_MS;

/** Says when a window runs dry. The reset wins: nothing is foretold beyond it. */
export function forecastOf(quota: Quota, trail: readonly TrailPoint[], nowMs: number): Forecast {
  const left = amountLeft(quota);
  // What refills all the time runs dry only if it is used faster than that, which readings do not tell.
  if (left === undefined || left <= 0 || quota.regen !== undefined || !isCurrent(quota, nowMs))
    return UNKNOWN;
  const recent = recentRate(trail, nowMs);
  if (recent === undefined) return UNKNOWN;
  const later = laterRates(trail, nowMs) ?? (() => slowRate(trail, nowMs) ?? recent);
  const rateAt = (atMs: number): number => (atMs - nowMs < NEAR_MS ? recent : later(atMs));
  return runDown(quota, left, { rateAt, nowMs });
}

/** Uses up what is left, hour by hour. */
function runDown(
  quota: Quota,
  left: number,
  { rateAt, nowMs }: { rateAt: (atMs: number) => number; nowMs: number },
): Forecast {
  const endMs = quota.resetsAt ?? nowMs + LONGEST_MS;
  let sum = 0;
  for (let atMs = nowMs; atMs < endMs; atMs += HOUR_MS) {
    const stepMs = Math.min(HOUR_MS, endMs - atMs);
    const rate = rateAt(atMs);
    if (sum + rate * stepMs >= left && rate > 0) {
      const dryMs = Math.round(atMs + (left - sum) / rate);
      const beforeResetMs = quota.resetsAt === undefined ? undefined : quota.resetsAt - dryMs;
      return { kind: "dry", atMs: dryMs, beforeResetMs };
    }
    sum += rate * stepMs;
  }
  const share = shareLeft(quota);
  if (quota.resetsAt === undefined || share === undefined) return UNKNOWN;
  return { kind: "lasts", usedShare: Math.min(1, 1 - share + (share * sum) / left) };
}

/** The points since use last fell: a reset, a top-up or a correction starts over. */
function sinceReset(trail: readonly TrailPoint[]): readonly TrailPoint[] {
  const start = trail.findLastIndex(([, used], at) => at > 0 && used < (trail[at - 1]?.[1] ?? used));
  return start < 0 ? trail : trail.slice(start);
}

/** What was used per millisecond lately; undefined where too few steps tell. */
function recentRate(trail: readonly TrailPoint[], nowMs: number): number | undefined {
  const points = sinceReset(trail).filter(([atMs]) => nowMs - atMs <= RECENT_MS);
  const steps = new Set(points.map(([, used]) => used)).size;
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined || steps < LEAST_STEPS) return undefined;
  // Time since the last point counts too: who has stopped working uses nothing.
  const tookMs = nowMs - first[0];
  return tookMs < LEAST_MS ? undefined : Math.max(0, last[1] - first[1]) / tookMs;
}

/** The average since the reset. */
function slowRate(trail: readonly TrailPoint[], nowMs: number): number | undefined {
  const points = sinceReset(trail);
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined || nowMs - first[0] < LEAST_MS) return undefined;
  return Math.max(0, last[1] - first[1]) / (nowMs - first[0]);
}

/** The habit: the use in the same hour of the same weekday, else of all days; undefined where no days are known. */
function laterRates(trail: readonly TrailPoint[], nowMs: number): ((atMs: number) => number) | undefined {
  const [first] = trail;
  if (first === undefined || nowMs - first[0] < HABIT_FROM_MS) return undefined;
  const used = new Map<number, number>();
  for (const [at, [atMs, amount]] of trail.entries()) {
    const before = trail[at - 1];
    if (before === undefined) continue;
    const grown = Math.max(0, amount - before[1]);
    const hours = Math.max(1, Math.round((atMs - before[0]) / HOUR_MS));
    for (let hour = 0; hour < hours; hour++) {
      const slot = Math.floor((before[0] + hour * HOUR_MS) / HOUR_MS);
      used.set(slot, (used.get(slot) ?? 0) + grown / hours);
    }
  }
  const firstSlot = Math.floor(first[0] / HOUR_MS);
  return (atMs) => {
    const slot = Math.floor(atMs / HOUR_MS);
    const sameWeekday = usesAt(used, slot - 7 * 24, 7 * 24, firstSlot);
    const everyDay = usesAt(
      used,
      Math.floor(nowMs / HOUR_MS) - ((((Math.floor(nowMs / HOUR_MS) - slot) % 24) + 24) % 24),
      24,
      firstSlot,
    );
    const uses = sameWeekday.length > 0 ? sameWeekday : everyDay;
    return uses.reduce((sum, one) => sum + one, 0) / Math.max(1, uses.length) / HOUR_MS;
  };
}

/** What was used in a slot and in those a period before it, as far back as is known. */
function usesAt(
  used: ReadonlyMap<number, number>,
  slot: number,
  period: number,
  firstSlot: number,
): number[] {
  const uses: number[] = [];
  for (let at = slot; at >= firstSlot; at -= period) uses.push(used.get(at) ?? 0);
  return uses;
}

/** The forecast of one of a key's windows. */
export function forecastIn(record: QuotaRecord, quota: Quota, nowMs: number): Forecast {
  return forecastOf(quota, record.trails[trailId(quota)] ?? [], nowMs);
}

/** `dry at 15:40, 2 h before the reset`; undefined where there is nothing to say. */
export function forecastText(forecast: Forecast, nowMs: number): string | undefined {
  switch (forecast.kind) {
    case "dry": {
      const { atMs, beforeResetMs } = forecast;
      if (beforeResetMs === undefined) return `dry in about ${formatWait(atMs - nowMs)}`;
      return `dry at ${formatClock(atMs, nowMs)}, ${formatWait(beforeResetMs)} before the reset`;
    }
    case "lasts":
      return `${Math.round(forecast.usedShare * 100)} % used at the reset`;
    case "unknown":
      return undefined;
  }
}

const WINDOW_NAMES: Record<QuotaWindow, string> = {
  minute: "minute",
  hour: "hour",
  "5h": "5 h",
  day: "day",
  week: "week",
  month: "month",
  credit: "credit",
};

/** A window as people see it: `5 h`, `week`, `day, free models`. */
export function windowName({ window, models }: Quota): string {
  const [only] = models ?? [];
  if (only === undefined) return WINDOW_NAMES[window];
  const which = only === "*:free" ? "free models" : only === "!*:free" ? "paid models" : only;
  return `${WINDOW_NAMES[window]}, ${which}`;
}

/** What a person is told once for each window and reset. */
export interface QuotaWarning {
  /** Tells it apart from all others. */
  id: string;
  provider: string;
  fingerprint: string;
  window: string;
  kind: "nearly used up" | "runs dry";
  text: string;
}

const NEARLY = 0.8;

/** The warnings that a record deserves now. */
export function warningsOf(record: QuotaRecord, nowMs: number): QuotaWarning[] {
  return record.quotas.flatMap((quota): QuotaWarning[] => {
    const share = shareLeft(quota);
    // A minute is over before anyone has read about it.
    if (!quota.blocking || quota.window === "minute" || share === undefined || share <= 0) return [];
    if (!isCurrent(quota, nowMs)) return [];
    const { provider, fingerprint } = record;
    const window = windowName(quota);
    const warning = (kind: QuotaWarning["kind"], text: string): QuotaWarning => ({
      id: [provider, fingerprint, trailId(quota), dayOf(quota.resetsAt), kind].join(" "),
      ...{ provider, fingerprint, window, kind, text },
    });
    const forecast = forecastIn(record, quota, nowMs);
    const dry =
      forecast.kind === "dry" && forecast.beforeResetMs !== undefined
        ? [warning("runs dry", `${window}: ${forecastText(forecast, nowMs)}`)]
        : [];
    if (1 - share < NEARLY) return dry;
    const reset = quota.resetsAt === undefined ? "" : `, resets ${formatClock(quota.resetsAt, nowMs)}`;
    return [
      warning("nearly used up", `${window}: ${Math.floor((1 - share) * 100 + 1e-6)} % used${reset}`),
      ...dry,
    ];
  });
}

/** Some services name a reset that moves by seconds: it is still the same one. */
function dayOf(resetsAt: number | undefined): string {
  return resetsAt === undefined ? "" : String(Math.round(resetsAt / HOUR_MS));
}

/** What is used of a window, in its unit, for a person. */
export function usedText(quota: Quota): string {
  const used = amountUsed(quota);
  const left = amountLeft(quota);
  const about = quota.exact ? "" : "about ";
  if (quota.unit === "percent") return used === undefined ? "?" : `${about}${round(used)} % used`;
  if (used !== undefined && quota.limit !== undefined)
    return `${about}${withUnit(used, quota)} of ${withUnit(quota.limit, quota)} used`;
  if (left !== undefined) return `${about}${withUnit(left, quota)} left`;
  return used === undefined ? "?" : `${about}${withUnit(used, quota)} used`;
}

function withUnit(amount: number, { unit }: Quota): string {
  if (unit === "USD") return `$${amount.toFixed(2)}`;
  if (unit === "CNY") return `¥${amount.toFixed(2)}`;
  return `${compact(amount)} ${unit}`;
}

function compact(amount: number): string {
  if (amount >= 1e6) return `${round(amount / 1e6)}M`;
  return amount >= 1e4 ? `${round(amount / 1e3)}k` : String(round(amount));
}

function round(amount: number): number {
  return Math.round(amount * 10) / 10;
}
