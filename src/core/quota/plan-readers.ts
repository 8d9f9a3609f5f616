import { FREE_MODELS, PAID_MODELS, type Quota, type QuotaWindow, type Reading } from "./quota.ts";
import {
  fieldsOf,
  foreign,
  known,
  numberOf,
  percentOf,
  percentOfShare,
  quotaOf,
  rowsOf,
  timeOf,
} from "./read-values.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The window of a length that a reply names; undefined for lengths that no plan has. */
function windowOfLength(ms: number): QuotaWindow | undefined {
  if (ms <= HOUR_MS) return "hour";
  if (ms <= 6 * HOUR_MS) return "5h";
  if (ms <= DAY_MS) return "day";
  if (ms <= 8 * DAY_MS) return "week";
  return ms <= 32 * DAY_MS ? "month" : undefined;
}

/** The current plan has a monthly allowance in dollars, the legacy plan percentages of a session and a week. */
export function readOllama(json: unknown): Reading {
  const { included, purchased } = fieldsOf(json);
  const { balance_usd, allowance_usd, period, session, weekly } = fieldsOf(included);
  const bought = numberOf(fieldsOf(purchased)["balance_usd"]);
  const group = "ollama";
  const pool = "user" as const;
  const month = quotaOf({
    window: "month",
    unit: "USD",
    remaining: numberOf(balance_usd),
    limit: numberOf(allowance_usd),
    resetsAt: timeOf(fieldsOf(period)["until"]),
    group,
    pool,
  });
  const legacy = (window: QuotaWindow, value: unknown): Quota | undefined =>
    quotaOf({
      window,
      unit: "percent",
      remaining: percentOf(fieldsOf(value)["remaining_percent"]),
      resetsAt: timeOf(fieldsOf(value)["resets_at"]),
      blocking: !(bought !== undefined && bought > 0),
      pool,
    });
  const plan = [month, legacy("5h", session), legacy("week", weekly)];
  if (plan.every((quota) => quota === undefined)) return foreign("included allowance");
  // Beside percentages bought credit decides by itself whether they block; beside dollars it is an alternative.
  const isDollars = month !== undefined;
  const credit = quotaOf({
    ...{ window: "credit", unit: "USD", remaining: bought, pool, blocking: isDollars },
    ...(isDollars ? { group } : {}),
  } as const);
  return known([...plan, credit], "included allowance");
}

const OPENROUTER_RESETS: Record<string, QuotaWindow> = { daily: "day", weekly: "week", monthly: "month" };

/** The next reset of a key's cap: 00:00 UTC of the next day, Monday, or first of a month. */
function utcResetMs(window: QuotaWindow, nowMs: number): number | undefined {
  const now = new Date(nowMs);
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  if (window === "day") return Date.UTC(year, month, day + 1);
  if (window === "week") return Date.UTC(year, month, day + (8 - (now.getUTCDay() || 7)));
  return window === "month" ? Date.UTC(year, month + 1, 1) : undefined;
}

/** A cap of the key in dollars, which leaves free models open, and the account's requests to free models. */
export function readOpenRouter(json: unknown, nowMs: number): Reading {
  const data = fieldsOf(fieldsOf(json)["data"]);
  const limit = numberOf(data["limit"]);
  const window = OPENROUTER_RESETS[String(data["limit_reset"])] ?? "credit";
  const cap =
    limit === undefined
      ? undefined
      : quotaOf({
          ...{ window, unit: "USD", limit, pool: "key" },
          remaining: numberOf(data["limit_remaining"]),
          resetsAt: utcResetMs(window, nowMs),
          models: PAID_MODELS,
        });
  const free = fieldsOf(data["free_model_daily_requests"]);
  const day = quotaOf({
    window: "day",
    unit: "requests",
    used: numberOf(free["used"]),
    limit: numberOf(free["limit"]),
    remaining: numberOf(free["remaining"]),
    resetsAt: utcResetMs("day", nowMs),
    models: FREE_MODELS,
  });
  const budgets = Object.values(data).flatMap(rowsOf).map(readKeyBudget);
  if (data["limit"] === null && day === undefined && budgets.every((quota) => quota === undefined))
    return { kind: "unknown", why: "the key has no cap of its own, and may not read the account's balance" };
  return known([cap, day, ...budgets], "limit of the key");
}

/** A budget of a workspace or a member. Its scope is an open list, so all that matters are the amounts. */
function readKeyBudget(row: unknown): Quota | undefined {
  const { limit_usd, remaining_usd, spend_usd, reset_interval, resets_at } = fieldsOf(row);
  if (limit_usd === undefined) return undefined;
  return quotaOf({
    ...{ window: OPENROUTER_RESETS[String(reset_interval)] ?? "credit", unit: "USD", pool: "team" },
    used: numberOf(spend_usd),
    limit: numberOf(limit_usd),
    remaining: numberOf(remaining_usd),
    resetsAt: timeOf(resets_at),
    models: PAID_MODELS,
  });
}

const GO_WINDOWS: readonly [name: string, window: QuotaWindow][] = [
  ["rolling", "5h"],
  ["weekly", "week"],
  ["monthly", "month"],
];

/** Percentages used. Whether the balance goes on paying at 100 % is not in the reply; a spent status decides. */
export function readOpenCodeGo(json: unknown): Reading {
  const usage = fieldsOf(fieldsOf(json)["usage"]);
  const quotas = GO_WINDOWS.map(([name, window]) => {
    const { status, percent, resetsAt } = fieldsOf(usage[name]);
    const used = status === "rate-limited" ? 100 : percentOf(percent);
    // At 0 % the window has not begun: the reset in the reply moves with the clock.
    return quotaOf({
      ...{ window, unit: "percent", used, pool: "user", exact: false },
      resetsAt: used === 0 ? undefined : timeOf(resetsAt),
    });
  });
  return known(quotas, "usage of a window");
}

/** The length of one unit in a z.ai row: 3 hours, 4 days, 5 months, 6 weeks. */
const ZAI_UNITS: Record<number, number> = { 3: HOUR_MS, 4: DAY_MS, 5: 30 * DAY_MS, 6: 7 * DAY_MS };

/** Rows of limits, of which unknown types are left out: a new one must not hide the others. */
export function readZai(json: unknown): Reading {
  const { success, code, msg, data } = fieldsOf(json);
  const number = numberOf(code) ?? 200;
  if (success === false || number >= 400)
    return number === 401 || number === 1001 || /token|auth|api ?key/i.test(String(msg))
      ? { kind: "key-rejected" }
      : { kind: "unknown", why: `the provider says: ${String(msg ?? code)}` };
  const quotas = rowsOf(fieldsOf(data)["limits"]).map((row): Quota | undefined => {
    const {
      type,
      unit,
      number: times,
      usage,
      currentValue,
      remaining,
      percentage,
      nextResetTime,
    } = fieldsOf(row);
    const length = (ZAI_UNITS[numberOf(unit) ?? 0] ?? 0) * (numberOf(times) ?? 1);
    const window = length > 0 ? windowOfLength(length) : undefined;
    if (window === undefined) return undefined;
    const resetsAt = timeOf(nextResetTime);
    const limit = numberOf(usage);
    if (type === "CREDIT_LIMIT" && limit !== undefined) {
      const counts = { used: numberOf(currentValue), limit, remaining: numberOf(remaining) };
      return quotaOf({ window, unit: "credits", ...counts, resetsAt });
    }
    if (type !== "CREDIT_LIMIT" && type !== "TOKENS_LIMIT" && type !== "TIME_LIMIT") return undefined;
    // The one of the tools does not stop a chat.
    const blocking = type !== "TIME_LIMIT";
    return quotaOf({
      ...{ window, unit: "percent", resetsAt, blocking, exact: false },
      used: percentOf(percentage),
    });
  });
  return known(quotas, "limit that is known");
}

interface KimiShare {
  window: QuotaWindow;
  usedPercent: number;
  resetsAt: number | undefined;
}

/** Counts that are texts, of which one may be missing. */
function kimiDetail(window: QuotaWindow | undefined, detail: unknown): KimiShare | undefined {
  const { limit, used, remaining, resetTime } = fieldsOf(detail);
  const whole = numberOf(limit);
  const left = numberOf(remaining);
  const taken = numberOf(used) ?? (whole === undefined || left === undefined ? undefined : whole - left);
  if (window === undefined || whole === undefined || taken === undefined || whole <= 0) return undefined;
  const usedPercent = Math.min(100, Math.max(0, (taken / whole) * 100));
  return { window, usedPercent, resetsAt: timeOf(resetTime) };
}

const KIMI_RATIOS: readonly [name: string, window: QuotaWindow][] = [
  ["limit_5h", "5h"],
  ["limit_7d", "week"],
  ["limit_month_total", "month"],
  ["limit_month_code", "month"],
];

const KIMI_UNITS: Record<string, number> = {
  TIME_UNIT_MINUTE: 60_000,
  TIME_UNIT_HOUR: HOUR_MS,
  TIME_UNIT_DAY: DAY_MS,
};

/** Two views of the same windows that do not agree: the one that shows more use counts. */
export function readKimi(json: unknown): Reading {
  const { limits, usage, usages, boosterWallet } = fieldsOf(json);
  const rows = rowsOf(limits).map((row) => {
    const { window, detail } = fieldsOf(row);
    const { duration, timeUnit } = fieldsOf(window);
    const length = (numberOf(duration) ?? 0) * (KIMI_UNITS[String(timeUnit)] ?? 0);
    return kimiDetail(length > 0 ? windowOfLength(length) : undefined, detail);
  });
  const ratios = KIMI_RATIOS.map(([name, window]): KimiShare | undefined => {
    const { used_ratio, reset_time } = fieldsOf(fieldsOf(usages)[name]);
    const usedPercent = percentOfShare(used_ratio);
    return usedPercent === undefined ? undefined : { window, usedPercent, resetsAt: timeOf(reset_time) };
  });
  const shares = [...rows, kimiDetail("week", usage), ...ratios].filter((share) => share !== undefined);
  const quotas = [...Map.groupBy(shares, ({ window }) => window)].map(([window, views]) => {
    const [most] = views.toSorted((a, b) => b.usedPercent - a.usedPercent);
    const resetsAt = most?.resetsAt ?? views.find((view) => view.resetsAt !== undefined)?.resetsAt;
    const used = most?.usedPercent;
    return quotaOf({ window, unit: "percent", used, resetsAt, blocking: !hasCredit(boosterWallet) });
  });
  return known(quotas, "limits or usages");
}

/** Paid extra usage goes on where the plan ends. */
function hasCredit(wallet: unknown): boolean {
  return Object.values(fieldsOf(wallet)).some((value) => (numberOf(value) ?? 0) > 0);
}

/** The provider's words for a key that may not read: a wrong key, or one of the other region. */
const MINIMAX_REJECTED = new Set([1004, 2049]);

/** Percentages that remain. The counts mean different things at different times and are not read. */
export function readMiniMax(json: unknown): Reading {
  const { model_remains, base_resp } = fieldsOf(json);
  const status = numberOf(fieldsOf(base_resp)["status_code"]) ?? 0;
  if (MINIMAX_REJECTED.has(status)) return { kind: "key-rejected" };
  if (status !== 0)
    return {
      kind: "unknown",
      why: `the provider says: ${String(fieldsOf(base_resp)["status_msg"] ?? status)}`,
    };
  const chat = rowsOf(model_remains)
    .map(fieldsOf)
    .find(({ model_name }) => model_name === "general" || String(model_name).startsWith("MiniMax-M"));
  if (chat === undefined) return foreign("chat model");
  if (MINIMAX_PARTS.every((part) => numberOf(chat[`current_${part}_status`]) === 3) && hasNoCounts(chat))
    return { kind: "no-plan" };
  const quotas = MINIMAX_PARTS.map((part) => {
    const isSpent = numberOf(chat[`current_${part}_status`]) === 2;
    const isUnlimited = numberOf(chat[`current_${part}_status`]) === 3;
    const percent = percentOf(chat[`current_${part}_remaining_percent`]);
    const isWeek = part === "weekly";
    return isUnlimited
      ? undefined
      : quotaOf({
          ...{ window: isWeek ? "week" : "5h", unit: "percent", exact: false },
          // A status of 2 beside 100 % was seen, too: then the percentage counts.
          remaining: isSpent && percent !== 100 ? 0 : percent,
          resetsAt: timeOf(chat[isWeek ? "weekly_end_time" : "end_time"]),
        });
  });
  return known(quotas, "percentage of a window");
}

const MINIMAX_PARTS = ["interval", "weekly"] as const;

function hasNoCounts(row: Readonly<Record<string, unknown>>): boolean {
  return (numberOf(row["current_interval_total_count"]) ?? 0) === 0;
}

/** Windows that refill in steps. What looks like a reset is the next step. */
export function readSynthetic(json: unknown): Reading {
  const { rollingFiveHourLimit, weeklyTokenLimit } = fieldsOf(json);
  const rolling = fieldsOf(rollingFiveHourLimit);
  const max = numberOf(rolling["max"]);
  const nextTick = timeOf(rolling["nextTickAt"]);
  const tick = numberOf(rolling["tickPercent"]);
  const five = quotaOf({
    window: "5h",
    unit: "requests",
    remaining: rolling["limited"] === true ? 0 : numberOf(rolling["remaining"]),
    limit: max,
    regen:
      nextTick === undefined || tick === undefined || max === undefined
        ? undefined
        : { perTick: tick * max, nextAt: nextTick },
  });
  const weekly = fieldsOf(weeklyTokenLimit);
  const nextRegen = timeOf(weekly["nextRegenAt"]);
  const step = numberOf(weekly["nextRegenCredits"]);
  const week = quotaOf({
    window: "week",
    unit: "USD",
    remaining: numberOf(weekly["remainingCredits"]),
    limit: numberOf(weekly["maxCredits"]),
    regen: nextRegen === undefined || step === undefined ? undefined : { perTick: step, nextAt: nextRegen },
  });
  return known([five, week], "limit (the service may ask for a login instead of a key)");
}

const NANO_WINDOWS: readonly [name: string, window: QuotaWindow, unit: Quota["unit"]][] = [
  ["weeklyInputTokens", "week", "tokens"],
  ["dailyInputTokens", "day", "tokens"],
  ["daily", "day", "requests"],
  ["monthly", "month", "requests"],
];

/** Input tokens of a week or a day, in the older form units of a day or a month. Images do not stop a chat. */
export function readNanoGpt(json: unknown): Reading {
  const data = fieldsOf(json);
  if (data["active"] === false || data["state"] === "inactive") return { kind: "no-plan" };
  const limits = fieldsOf(data["limits"]);
  const quotas = NANO_WINDOWS.map(([name, window, unit]) => {
    const { used, remaining, resetAt } = fieldsOf(data[name]);
    return quotaOf({
      ...{
        window,
        unit,
        used: numberOf(used),
        remaining: numberOf(remaining),
        limit: numberOf(limits[name]),
      },
      resetsAt: timeOf(resetAt),
      blocking: name !== "daily" || data["enforceDailyLimit"] === true,
    });
  });
  return known(quotas, "limit");
}

/** Dollars of four hours and of a month. Beyond them the balance pays, which this reply does not show. */
export function readChutes(json: unknown): Reading {
  const data = fieldsOf(json);
  if (data["subscription"] === false) return { kind: "no-plan" };
  const cap = (window: QuotaWindow, value: unknown): Quota | undefined => {
    const { usage, cap: limit, remaining, reset_at } = fieldsOf(value);
    const amounts = { used: numberOf(usage), limit: numberOf(limit), remaining: numberOf(remaining) };
    return quotaOf({ window, unit: "USD", ...amounts, resetsAt: timeOf(reset_at), blocking: false });
  };
  const day =
    data["quota"] === "unlimited"
      ? undefined
      : quotaOf({
          ...{ window: "day", unit: "requests", blocking: false },
          used: numberOf(data["quota"]) === undefined ? undefined : numberOf(data["used"]),
          limit: numberOf(data["quota"]),
        });
  return known([cap("5h", data["four_hour"]), cap("month", data["monthly"]), day], "cap of a window");
}

/** Requests that are counted apart from those without a limit. */
export function readCopilot(json: unknown): Reading {
  const data = fieldsOf(json);
  const resetsAt = timeOf(data["quota_reset_date_utc"]);
  const quotas = Object.entries(fieldsOf(data["quota_snapshots"])).map(([name, value]) => {
    const { entitlement, remaining, unlimited, overage_permitted } = fieldsOf(value);
    if (unlimited === true) return undefined;
    return quotaOf({
      ...{ window: "month", unit: "requests", limit: numberOf(entitlement), remaining: numberOf(remaining) },
      resetsAt,
      pool: "user",
      blocking: name === "premium_interactions" && overage_permitted !== true,
      ...(name === "premium_interactions" ? {} : { models: [name] }),
    });
  });
  return known(quotas, "count of requests (seats that pay by token have none)");
}

const CLINE_WINDOWS: Record<string, QuotaWindow> = { five_hour: "5h", weekly: "week", monthly: "month" };

export function readCline(json: unknown): Reading {
  const quotas = rowsOf(fieldsOf(fieldsOf(json)["data"])["limits"]).map((row) => {
    const { type, percentUsed, resetsAt } = fieldsOf(row);
    const window = CLINE_WINDOWS[String(type)];
    if (window === undefined) return undefined;
    return quotaOf({ window, unit: "percent", used: percentOf(percentUsed), resetsAt: timeOf(resetsAt) });
  });
  return known(quotas, "limit that is known");
}
