import { formatClock, formatWait } from "../text.ts";
import { pacificDay, type QuotaDay, utcDay } from "../verdict/declared-wait.ts";
import { type DailyBudget, type DaySpend, spentOf } from "./budget.ts";
import { forecastIn, forecastText, usedText, windowName } from "./forecast.ts";
import { amountLeft, amountUsed, isCurrent, type Quota, type QuotaRecord, shareLeft } from "./quota.ts";

/** One window of a key as people and scripts see it. What is not known is null. */
export interface QuotaLine {
  window: string;
  unit: Quota["unit"];
  used: number | null;
  limit: number | null;
  remaining: number | null;
  /** From 0 to 1. */
  usedShare: number | null;
  resetsAt: number | null;
  /** When it runs dry at the pace of late, if that is before its reset. */
  dryAt: number | null;
  /** `dry at 15:40, 2 h before the reset` */
  forecast: string | null;
  /** Whether the key cannot be used once it is spent. */
  blocking: boolean;
  exact: boolean;
  /** Worked out from our own ledger, or a cap of the user's own; else what the provider says. */
  source: "provider" | "learned" | "budget";
  text: string;
}

/** The windows of a key. One that was reset since it was read is unknown. */
export function quotaLines(record: QuotaRecord, nowMs: number): QuotaLine[] {
  return record.quotas.filter(isWorthALine).map((quota) => {
    if (isCurrent(quota, nowMs)) return lineOf(quota, record, nowMs, "provider");
    const { used: _used, remaining: _remaining, resetsAt: _resetsAt, ...rest } = quota;
    return { ...lineOf(rest, record, nowMs, "provider"), text: "? (reset since it was read)" };
  });
}

/** Bought credit that is not there and stops nothing is no news. */
function isWorthALine(quota: Quota): boolean {
  return quota.blocking || quota.window !== "credit" || (amountLeft(quota) ?? 0) > 0;
}

/** What the ledger says of a day that the provider tells nothing of. */
export function learnedLine(quota: Quota, nowMs: number): QuotaLine {
  return lineOf(quota, undefined, nowMs, "learned");
}

/** A cap of the user's own. */
export function budgetLine(budget: DailyBudget, spend: DaySpend, resetsAt: number, nowMs: number): QuotaLine {
  const quota: Quota = {
    ...{ window: "day", unit: budget.unit, used: spentOf(budget, spend), limit: budget.amount, resetsAt },
    ...{ blocking: true, pool: "key", exact: true },
  };
  return { ...lineOf(quota, undefined, nowMs, "budget"), window: "your budget" };
}

function lineOf(
  quota: Quota,
  record: QuotaRecord | undefined,
  nowMs: number,
  source: QuotaLine["source"],
): QuotaLine {
  const share = shareLeft(quota);
  const forecast = record === undefined ? undefined : forecastIn(record, quota, nowMs);
  return {
    window: windowName(quota),
    unit: quota.unit,
    used: amountUsed(quota) ?? null,
    limit: quota.limit ?? null,
    remaining: amountLeft(quota) ?? null,
    usedShare: share === undefined ? null : 1 - share,
    resetsAt: quota.resetsAt ?? null,
    dryAt: forecast?.kind === "dry" ? forecast.atMs : null,
    forecast: (forecast && forecastText(forecast, nowMs)) ?? null,
    blocking: quota.blocking,
    exact: quota.exact,
    source,
    text: usedText(quota),
  };
}

/** The window that stops a key first, as far as that is known. */
export function tightestLine<One extends Pick<QuotaLine, "usedShare" | "blocking">>(
  lines: readonly One[],
): One | undefined {
  return lines
    .filter(({ blocking, usedShare }) => blocking && usedShare !== null)
    .toSorted((a, b) => (b.usedShare ?? 0) - (a.usedShare ?? 0))[0];
}

/** `week 82 % used` */
export function shortQuota({ window, usedShare }: Pick<QuotaLine, "window" | "usedShare">): string {
  // Shares are computed: 0.45 may come out a little less.
  return `${window} ${Math.floor((usedShare ?? 0) * 100 + 1e-6)} % used`;
}

/** `resets 15:40 (in 2 h)`; empty where there is no reset. */
export function resetWords(resetsAt: number | null, nowMs: number): string {
  return resetsAt === null ? "" : `${formatClock(resetsAt, nowMs)} (in ${formatWait(resetsAt - nowMs)})`;
}

const LENGTHS_MS: Record<string, number> = {
  "5 h": 5 * 3_600_000,
  day: 86_400_000,
  "your budget": 86_400_000,
  week: 7 * 86_400_000,
  month: 30 * 86_400_000,
};

/**
 * A bar that fills with what is used, as the words beside it say. The mark stands at the time that has passed: a bar that
 * is ahead of it runs dry before the reset.
 */
export function quotaBar({ window, usedShare, resetsAt }: QuotaLine, width: number, nowMs: number): string {
  if (usedShare === null) return "?".padEnd(width, "·");
  const filled = usedShare >= 1 ? width : Math.min(width - 1, Math.round(usedShare * width));
  const cells: string[] = Array.from({ length: width }, (_, at) => (at < filled ? "━" : "─"));
  const length = LENGTHS_MS[window.replace(/,.*/, "")];
  if (length !== undefined && resetsAt !== null) {
    const passed = 1 - (resetsAt - nowMs) / length;
    if (passed >= 0 && passed <= 1) cells[Math.min(width - 1, Math.floor(passed * width + 1e-6))] = "┃";
  }
  return cells.join("");
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
