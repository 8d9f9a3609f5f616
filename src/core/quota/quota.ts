import * as v from "valibot";
import { type Cooldown, cooldownId } from "../routing/cooldown.ts";
import { ownWords, providerWords } from "../scrub.ts";
import { budgetText, type DailyBudget, type DaySpend, spentOf } from "./budget.ts";

/** The windows in which providers count usage. `credit` is a balance: it has no reset. */
export const QUOTA_WINDOWS = ["minute", "hour", "5h", "day", "week", "month", "credit"] as const;

export type QuotaWindow = (typeof QUOTA_WINDOWS)[number];

const amount = v.exactOptional(v.number());

const QUOTA = v.object({
  window: v.picklist(QUOTA_WINDOWS),
  unit: v.picklist(["requests", "tokens", "credits", "USD", "CNY", "percent"]),
  /** What is absent is unknown, never 0. A percentage is of 100. */
  used: amount,
  limit: amount,
  remaining: amount,
  /** Milliseconds since 1970; absent: not started, trickling back, or never. */
  resetsAt: amount,
  /** The window refills in steps; `nextAt` is the next step, not a reset. */
  regen: v.exactOptional(v.object({ perTick: v.number(), nextAt: v.number() })),
  /** False: shown only. */
  blocking: v.boolean(),
  /** Alternatives: they block only when all of the group are spent. */
  group: v.exactOptional(v.string()),
  /** Who shares the numbers. */
  pool: v.picklist(["key", "user", "account", "org", "project", "team"]),
  /** The models it counts, `*:free` or all but those with a `!` in front; absent: all. */
  models: v.exactOptional(v.array(v.string())),
  /** False: worked out or rounded, shown as "about". */
  exact: v.boolean(),
});

/** One window of a plan, or one balance, in the form that all providers are brought to. */
export type Quota = v.InferOutput<typeof QUOTA>;

const READING = v.variant("kind", [
  v.object({ kind: v.literal("known"), quotas: v.array(QUOTA) }),
  v.object({ kind: v.literal("no-plan") }),
  v.object({ kind: v.literal("key-rejected") }),
  v.object({ kind: v.literal("unknown"), why: v.string() }),
]);

/** What one look at a provider found out. Unknown is neither empty nor full. */
export type Reading = v.InferOutput<typeof READING>;

const RECORD = v.object({
  provider: v.string(),
  fingerprint: v.string(),
  /** When the provider was last asked. */
  atMs: v.number(),
  /** The result of that. */
  reading: READING,
  /** The last known quotas, kept over readings that found out nothing. */
  quotas: v.array(QUOTA),
  quotasAtMs: v.number(),
  /** What was used at earlier times, by `trailId`, oldest first. */
  trails: v.record(v.string(), v.array(v.tuple([v.number(), v.number()]))),
});

/** All that is kept of one key's quota. No secret is in it. */
export type QuotaRecord = v.InferOutput<typeof RECORD>;

/** Reads a stored record; undefined for what another version or another program wrote. */
export function parseQuotaRecord(text: string): QuotaRecord | undefined {
  try {
    const result = v.safeParse(RECORD, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

export function quotaRecordId({ provider, fingerprint }: { provider: string; fingerprint: string }): string {
  return `${provider} ${fingerprint}`;
}

/** Tells the windows of one key apart. */
export function trailId({ window, unit, models, group }: Quota): string {
  return [window, unit, group ?? "", ...(models ?? [])].join(" ");
}

/** How much is left, in the quota's own unit; undefined where that is not known. */
export function amountLeft({ unit, used, limit, remaining }: Quota): number | undefined {
  if (remaining !== undefined) return remaining;
  const whole = unit === "percent" ? 100 : limit;
  return used === undefined || whole === undefined ? undefined : whole - used;
}

/** How much was used, in the quota's own unit; undefined where that is not known. */
export function amountUsed({ unit, used, limit, remaining }: Quota): number | undefined {
  if (used !== undefined) return used;
  const whole = unit === "percent" ? 100 : limit;
  return remaining === undefined || whole === undefined ? undefined : whole - remaining;
}

/** The part that is left, from 0 to 1; undefined where no limit is known and something is left. */
export function shareLeft(quota: Quota): number | undefined {
  const left = amountLeft(quota);
  if (left === undefined) return undefined;
  if (left <= 0) return 0;
  const whole = quota.unit === "percent" ? 100 : quota.limit;
  if (whole === undefined) return undefined;
  return whole <= 0 ? 1 : Math.min(1, left / whole);
}

/** A reading ends at its own reset: after that nothing is known of the window. */
export function isCurrent({ resetsAt }: Quota, nowMs: number): boolean {
  return resetsAt === undefined || resetsAt > nowMs;
}

/** Whether nothing is left that may be used. `reserve` is the share to leave untouched; balances have none. */
export function isSpent(quota: Quota, reserve: number): boolean {
  const left = amountLeft(quota);
  if (left === undefined) return false;
  if (left <= 0) return true;
  const share = quota.window === "credit" ? undefined : shareLeft(quota);
  return share !== undefined && share <= reserve;
}

/** The models that a block holds: all of a key, the free ones, or those that cost. */
export const MODEL_CLASSES = ["all", "free", "paid"] as const;

export type ModelClass = (typeof MODEL_CLASSES)[number];

export const FREE_MODELS = ["*:free"];
export const PAID_MODELS = ["!*:free"];

function classOf({ models }: Quota): ModelClass | undefined {
  if (models === undefined) return "all";
  const [only, ...others] = models;
  if (others.length > 0) return undefined;
  if (only === FREE_MODELS[0]) return "free";
  return only === PAID_MODELS[0] ? "paid" : undefined;
}

/** Whether a window counts calls of a model. */
export function countsModel({ models }: Quota, model: string): boolean {
  if (models === undefined) return true;
  return models.some((pattern) => {
    const isNot = pattern.startsWith("!");
    const plain = isNot ? pattern.slice(1) : pattern;
    const matches = plain.startsWith("*") ? model.endsWith(plain.slice(1)) : model === plain;
    return matches !== isNot;
  });
}

/** A spent window, or group of windows, and the time until which its key is not asked. */
interface Block {
  class: ModelClass;
  quota: Quota;
  untilMs: number;
}

/** What has no reset may change at any time, such as by a payment: it is not believed for longer than this. */
export const UNDATED_BLOCK_MS = 15 * 60_000;

/** Clocks differ a little, and a call a moment before the reset is refused for as long again. */
const MARGIN_MS = 1_500;

/** The cooldowns that a key's quotas amount to, by the class of models; a class that is open has none. */
export function quotaCooldowns(
  record: QuotaRecord,
  { nowMs, reserve }: { nowMs: number; reserve: number },
): Cooldown[] {
  const blocks = blocksOf(record, nowMs, reserve);
  return MODEL_CLASSES.flatMap((models) => {
    const [last] = blocks.filter((one) => one.class === models).toSorted((a, b) => b.untilMs - a.untilMs);
    return last === undefined ? [] : cooldownOf(record, last);
  });
}

/** The ids of all cooldowns that a record could set. */
export function quotaCooldownIds({ provider, fingerprint }: QuotaRecord): string[] {
  return MODEL_CLASSES.map((models) => cooldownId.quota(provider, fingerprint, models));
}

function blocksOf({ quotas, quotasAtMs }: QuotaRecord, nowMs: number, reserve: number): Block[] {
  const current = quotas.filter((quota) => quota.blocking && isCurrent(quota, nowMs));
  const groups = Map.groupBy(current, (quota) => quota.group ?? quota);
  return [...groups.values()].flatMap((group): Block[] => {
    const [first] = group;
    const models = first && classOf(first);
    if (first === undefined || models === undefined) return [];
    if (!group.every((quota) => isSpent(quota, reserve))) return [];
    const ends = group.map(
      ({ resetsAt, regen }) =>
        (resetsAt === undefined ? undefined : resetsAt + MARGIN_MS) ??
        regen?.nextAt ??
        quotasAtMs + UNDATED_BLOCK_MS,
    );
    const quota = group.find(({ window }) => window !== "credit") ?? first;
    return [{ class: models, quota, untilMs: Math.min(...ends) }];
  });
}

function cooldownOf({ provider, fingerprint, quotasAtMs }: QuotaRecord, block: Block): Cooldown {
  const { quota, untilMs } = block;
  const isMoney = quota.window === "credit";
  return {
    id: cooldownId.quota(provider, fingerprint, block.class),
    scope: "key",
    provider,
    fingerprint,
    model: undefined,
    kind: isMoney ? "payment" : "quota",
    status: 0,
    message: isMoney
      ? ownWords("the balance is used up")
      : providerWords(`the ${WINDOW_WORDS[quota.window]} is used up${MODELS_WORDS[block.class]}`, []),
    sinceMs: quotasAtMs,
    untilMs,
    failures: 1,
    isDeclared: true,
  };
}

const WINDOW_WORDS: Record<QuotaWindow, string> = {
  minute: "quota of the minute",
  hour: "quota of the hour",
  "5h": "5 h quota",
  day: "quota of the day",
  week: "quota of the week",
  month: "quota of the month",
  credit: "balance",
};

const MODELS_WORDS: Record<ModelClass, string> = {
  all: "",
  free: " for free models",
  paid: " for paid models",
};

/** Points kept of each window, and the time between two of them: close ones of late, sparse ones from before. */
const CLOSE = { everyMs: 5 * 60_000, forMs: 6 * 3_600_000 };
const SPARSE = { everyMs: 3_600_000, forMs: 15 * 86_400_000 };

const NOTHING = { quotas: [], quotasAtMs: 0, trails: {} };

/** A record with a further reading. What is known stays known through readings that find out nothing. */
export function withReading(
  before: QuotaRecord | undefined,
  key: { provider: string; fingerprint: string },
  reading: Reading,
  nowMs: number,
): QuotaRecord {
  const { provider, fingerprint } = key;
  const kept: Pick<QuotaRecord, "quotas" | "quotasAtMs" | "trails"> = before ?? NOTHING;
  if (reading.kind !== "known") {
    const isGone = reading.kind === "no-plan" || reading.kind === "key-rejected";
    const quotas = isGone ? [] : kept.quotas;
    const { quotasAtMs, trails } = kept;
    return { provider, fingerprint, atMs: nowMs, reading, quotas, quotasAtMs, trails };
  }
  const trails = Object.fromEntries(
    reading.quotas.flatMap((quota) => {
      const used = amountUsed(quota) ?? negated(quota.remaining);
      if (used === undefined) return [];
      const id = trailId(quota);
      return [[id, longerTrail(kept.trails[id] ?? [], [nowMs, used])]];
    }),
  );
  return { provider, fingerprint, atMs: nowMs, reading, quotas: reading.quotas, quotasAtMs: nowMs, trails };
}

/** A balance without a limit: what is used is how far it has fallen. */
function negated(value: number | undefined): number | undefined {
  return value === undefined ? undefined : -value;
}

export type TrailPoint = [atMs: number, used: number];

function longerTrail(trail: readonly TrailPoint[], point: TrailPoint): TrailPoint[] {
  const [nowMs] = point;
  const kept: TrailPoint[] = [];
  for (const one of trail) {
    const [atMs] = one;
    if (atMs >= nowMs || nowMs - atMs > SPARSE.forMs) continue;
    const last = kept.at(-1);
    const { everyMs } = nowMs - atMs > CLOSE.forMs ? SPARSE : CLOSE;
    if (last === undefined || atMs - last[0] >= everyMs) kept.push(one);
  }
  return [...kept, point];
}

/** A record with the windows that the headers of a reply named; other windows stay as they were. */
export function withHeaderQuotas(
  before: QuotaRecord | undefined,
  key: { provider: string; fingerprint: string },
  quotas: readonly Quota[],
  nowMs: number,
): QuotaRecord {
  const fresh = new Set(quotas.map(trailId));
  const others = (before?.quotas ?? []).filter(
    (quota) => !fresh.has(trailId(quota)) && isCurrent(quota, nowMs),
  );
  const record = withReading(before, key, { kind: "known", quotas: [...others, ...quotas] }, nowMs);
  return { ...record, trails: { ...before?.trails, ...record.trails } };
}

/** The cooldown of a key at its cap; undefined while something is left. */
export function budgetCooldown(
  { provider, fingerprint }: { provider: string; fingerprint: string },
  budget: DailyBudget,
  spend: DaySpend,
  { nowMs, midnightMs }: { nowMs: number; midnightMs: number },
): Cooldown | undefined {
  if (spentOf(budget, spend) < budget.amount) return undefined;
  return {
    id: cooldownId.budget(provider, fingerprint),
    scope: "key",
    provider,
    fingerprint,
    model: undefined,
    kind: "quota",
    status: 0,
    message: providerWords(`your daily_budget of ${budgetText(budget)} is used up`, []),
    sinceMs: nowMs,
    untilMs: midnightMs,
    failures: 1,
    isDeclared: true,
  };
}
