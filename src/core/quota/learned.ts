import { pacificDay, type QuotaDay, utcDay } from "../verdict/declared-wait.ts";
import type { Quota } from "./quota.ts";

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
