import { type Key, keyTitle } from "../../core/key.ts";
import { type DaySpend, NO_SPEND } from "../../core/quota/budget.ts";
import { type QuotaRecord, quotaRecordId, withReading } from "../../core/quota/quota.ts";
import {
  budgetLine,
  type LedgerCall,
  learnedLine,
  learnedQuota,
  type QuotaLine,
  quotaLines,
} from "../../core/quota/quota-lines.ts";
import { allProviders, type Settings } from "../../core/settings/settings.ts";
import type { KeyCall } from "../../ledger/request-rows.ts";
import { startOfDayMs } from "../../proxy/budgets.ts";
import { type PollTarget, readQuota } from "../../quota/quota-poller.ts";
import type { Store } from "../../store/store.ts";
import { keepLoopbackDirect } from "../catalog.ts";
import { pollTargets } from "./watch-quota.ts";

export interface KeyQuota {
  key: Key;
  /** `not-read`: its provider tells nothing that a key can read, or was not asked yet. */
  state: QuotaRecord["reading"]["kind"] | "not-read";
  why: string | undefined;
  readAtMs: number | undefined;
  lines: readonly QuotaLine[];
}

export interface QuotaParts {
  settings: Settings;
  keys: readonly Key[];
  records: readonly QuotaRecord[];
  /** Of the ledger, oldest first. */
  calls: readonly KeyCall[];
  spends: ReadonlyMap<string, DaySpend>;
  nowMs: number;
}

/** Puts together what providers, ledger and budgets say of each key that is switched on. */
export function keyQuotas({ settings, keys, records, calls, spends, nowMs }: QuotaParts): KeyQuota[] {
  const byId = new Map(records.map((record) => [quotaRecordId(record), record]));
  const providers = new Map(allProviders(settings).map((provider) => [provider.id, provider]));
  return keys
    .filter(({ enabled }) => enabled)
    .map((key): KeyQuota => {
      const record = byId.get(quotaRecordId(key));
      const read = record === undefined ? [] : quotaLines(record, nowMs);
      const budget = key.dailyBudget ?? providers.get(key.provider)?.dailyBudget;
      const midnightMs = startOfDayMs(startOfDayMs(nowMs) + 36 * 3_600_000);
      const own =
        budget === undefined
          ? []
          : [budgetLine(budget, spends.get(key.fingerprint) ?? NO_SPEND, midnightMs, nowMs)];
      const reading = record?.reading;
      return {
        key,
        state: reading?.kind ?? "not-read",
        why: reading?.kind === "unknown" ? reading.why : undefined,
        readAtMs: record?.atMs,
        lines: [
          ...read,
          ...(read.some(({ blocking }) => blocking) ? [] : learned(key, calls, nowMs)),
          ...own,
        ],
      };
    });
}

function learned(key: Key, calls: readonly KeyCall[], nowMs: number): QuotaLine[] {
  const own = calls.flatMap((call): LedgerCall[] => {
    if (call.fingerprint !== key.fingerprint || !call.model.startsWith(`${key.provider}/`)) return [];
    return [{ atMs: call.atMs, end: call.verdict === "ok" ? "served" : "quota" }];
  });
  const quota = learnedQuota(own, key.provider, nowMs);
  return quota === undefined ? [] : [learnedLine(quota, nowMs)];
}

/** So far back the ledger is searched for refusals. */
export const LEARNED_FROM_MS = 3 * 86_400_000;

export interface FreshOptions {
  settings: Settings;
  keys: readonly Key[];
  store: Pick<Store, "quotas">;
  /** Readings younger than this are good enough. */
  maxAgeMs: number;
  nowMs: number;
}

const AT_ONCE = 6;

/** The stored readings, after those that are too old were taken again. */
export async function freshRecords({
  settings,
  keys,
  store,
  maxAgeMs,
  nowMs,
}: FreshOptions): Promise<QuotaRecord[]> {
  keepLoopbackDirect(process.env);
  const records = new Map((await store.quotas.all()).map((record) => [quotaRecordId(record), record]));
  if (!settings.quota.enabled) return [...records.values()];
  const providers = new Map(allProviders(settings).map((provider) => [provider.id, provider]));
  const due = pollTargets({ keys, providers }, nowMs).filter(
    ({ key }) => Math.abs(nowMs - (records.get(quotaRecordId(key))?.atMs ?? 0)) >= maxAgeMs,
  );
  const read = async ({ key, endpoint }: PollTarget): Promise<void> => {
    const reading = await readQuota(endpoint, key.secret, nowMs);
    const record = withReading(records.get(quotaRecordId(key)), key, reading, Date.now());
    records.set(quotaRecordId(key), record);
    store.quotas.set(record);
  };
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (let target = due.shift(); target !== undefined; target = due.shift()) await read(target);
  });
  await Promise.all(workers);
  return [...records.values()];
}

/** A key, and why nothing is known of its quota; undefined where something is. */
export function unknownText({ key, state, why }: KeyQuota): string | undefined {
  switch (state) {
    case "unknown":
      return `The quota of ${keyTitle(key)} is unknown: ${why}.`;
    case "key-rejected":
      return `The quota of ${keyTitle(key)} cannot be read: the provider refuses the key.`;
    case "known":
    case "no-plan":
    case "not-read":
      return undefined;
  }
}
