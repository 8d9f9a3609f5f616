import type { Quota } from "./quota.ts";

const DAY_MS = 86_400_000;

/** A day of a provider, in which it counts requests. */
export interface QuotaDay {
  startMs: number;
  endMs: number;
}

/** The day in UTC. */
function utcDay(nowMs: number): QuotaDay {
  const startMs = Math.floor(nowMs / DAY_MS) * DAY_MS;
  return { startMs, endMs: startMs + DAY_MS };
}

/** The day on the Pacific coast of the United States, which has summer time. */
export function pacificDay(nowMs: number): QuotaDay {
  const offsetMs = pacificOffsetMs(nowMs);
  const local = new Date(nowMs - offsetMs);
  const [year, month, date] = [local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate()];
  // Both midnights by the time of their own: on two days of the year they differ.
  const midnight = (day: number): number => {
    const utcMs = Date.UTC(year, month, day);
    return utcMs + pacificOffsetMs(utcMs + 8 * 3_600_000);
  };
  return { startMs: midnight(date), endMs: midnight(date + 1) };
}

/** Seven hours behind UTC from the second Sunday of March to the first of November, at 2 o'clock, else eight. */
function pacificOffsetMs(atMs: number): number {
  const year = new Date(atMs).getUTCFullYear();
  const springMs = nthSunday(year, 2, 2) + 10 * 3_600_000;
  const autumnMs = nthSunday(year, 10, 1) + 9 * 3_600_000;
  return (atMs >= springMs && atMs < autumnMs ? 7 : 8) * 3_600_000;
}

function nthSunday(year: number, month: number, nth: number): number {
  const weekday = new Date(Date.UTC(year, month, 1)).getUTCDay();
  return Date.UTC(year, month, 1 + ((7 - weekday) % 7) + (nth - 1) * 7);
}

/** Providers that tell nothing of a day that they count. */
const DAYS: Readonly<Record<string, (nowMs: number) => QuotaDay>> = {
  google: pacificDay,
  groq: utcDay,
  nvidia: utcDay,
  opencode: utcDay,
  "ollama-cloud": utcDay,
  openrouter: utcDay,
};

/** The day in which a provider's requests are counted here; undefined where it is not known to count days. */
export function learnedDay(provider: string, nowMs: number): QuotaDay | undefined {
  return DAYS[provider]?.(nowMs);
}

/** A call of one key, as the ledger has it. */
export interface LedgerCall {
  atMs: number;
  /** Whether it served, was refused for a used-up quota, or neither. */
  end: "served" | "quota" | "other";
}

/** Ceilings of late that the next one is guessed from. */
const CEILINGS = 3;

/**
 * The quota of the day as our own ledger has it: what was served since the reset, and as the limit what had been served
 * when the key was last refused. It is about right at best, and never keeps a key from being asked.
 */
export function learnedQuota(
  calls: readonly LedgerCall[],
  provider: string,
  nowMs: number,
): Quota | undefined {
  const today = learnedDay(provider, nowMs);
  if (today === undefined) return undefined;
  const served = calls.filter(({ end }) => end === "served");
  const countIn = (startMs: number, endMs: number): number =>
    served.filter(({ atMs }) => atMs >= startMs && atMs < endMs).length;
  const used = countIn(today.startMs, nowMs + 1);
  const ceilings = ceilingsOf(calls, provider, countIn);
  const limit = median(ceilings.slice(-CEILINGS));
  if (used === 0 && limit === undefined) return undefined;
  return {
    ...{ window: "day", unit: "requests", used, resetsAt: today.endMs },
    ...(limit === undefined ? {} : { limit: Math.max(limit, used) }),
    ...{ blocking: false, pool: "account", exact: false },
  };
}

/** The first refusal of each day counts: what is refused after it was asked in vain. */
function ceilingsOf(
  calls: readonly LedgerCall[],
  provider: string,
  countIn: (startMs: number, endMs: number) => number,
): number[] {
  const firstOf = new Map<number, number>();
  for (const { atMs, end } of calls) {
    const day = learnedDay(provider, atMs);
    if (end !== "quota" || day === undefined || firstOf.has(day.startMs)) continue;
    firstOf.set(day.startMs, atMs);
  }
  return [...firstOf].map(([startMs, atMs]) => countIn(startMs, atMs)).filter((count) => count > 0);
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
