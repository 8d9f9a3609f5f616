import { expect, test } from "bun:test";
import { amountLeft, isSpent, type Quota, type Reading, shareLeft } from "../../../src/core/quota/quota.ts";
import { quotaEndpoint, readQuotaReply } from "../../../src/core/quota/readers.ts";

const NOW = Date.parse("2026-09-20T10:00:00Z");

const BASES: Record<string, string> = {
  "ollama-cloud": "https://ollama.com/v1",
  openrouter: "https://openrouter.ai/api/v1",
  "opencode-go": "https://opencode.ai/zen/go/v1",
  "zai-coding-plan": "https://api.z.ai/api/coding/paas/v4",
  "kimi-code": "https://api.kimi.com/coding/v1",
  minimax: "https://api.minimax.io/v1",
  synthetic: "https://api.synthetic.new/openai/v1",
  "nano-gpt": "https://nano-gpt.com/api/v1",
  chutes: "https://llm.chutes.ai/v1",
  "github-copilot": "https://api.githubcopilot.com",
  cline: "https://api.cline.bot/api/v1",
  deepseek: "https://api.deepseek.com",
  moonshotai: "https://api.moonshot.ai/v1",
  "novita-ai": "https://api.novita.ai/openai",
  vercel: "https://ai-gateway.vercel.sh/v1",
  poe: "https://api.poe.com/v1",
  venice: "https://api.venice.ai/api/v1",
  deepinfra: "https://api.deepinfra.com/v1/openai",
  siliconflow: "https://api.siliconflow.com/v1",
  huggingface: "https://router.huggingface.co/v1",
};

function read(quota: string, body: unknown, status = 200, baseUrl = BASES[quota] ?? ""): Reading {
  const endpoint = quotaEndpoint({ quota, isQuotaNamed: false, baseUrl }, NOW);
  if (endpoint === undefined) throw new Error(`no endpoint for ${quota}`);
  return readQuotaReply(
    endpoint,
    { status, body: typeof body === "string" ? body : JSON.stringify(body) },
    NOW,
  );
}

function quotasOf(reading: Reading): Quota[] {
  if (reading.kind !== "known") throw new Error(`${reading.kind}: ${JSON.stringify(reading)}`);
  return reading.quotas;
}

/** `window: left/limit until`, and marks for what blocks and what belongs together. */
function lines(reading: Reading): string[] {
  return quotasOf(reading).map((quota) => {
    const left = amountLeft(quota);
    const limit = quota.limit === undefined ? "" : `/${quota.limit}`;
    const until = quota.resetsAt === undefined ? "" : ` until ${new Date(quota.resetsAt).toISOString()}`;
    const marks = [
      ...(quota.blocking ? [] : ["shown only"]),
      ...(quota.group === undefined ? [] : [`group ${quota.group}`]),
      ...(quota.models === undefined ? [] : [quota.models.join(",")]),
      ...(quota.regen === undefined ? [] : [`+${quota.regen.perTick}`]),
    ];
    const mark = marks.length === 0 ? "" : ` (${marks.join("; ")})`;
    return `${quota.window} ${Number(left?.toFixed(4))}${limit} ${quota.unit}${until}${mark}`;
  });
}

const KIMI_SPENT = {
  limits: [
    {
      window: { duration: 300, timeUnit: "TIME_UNIT_MINUTE" },
      detail: { limit: "100", used: "100", resetTime: "2026-09-22T12:22:15.593402Z" },
    },
  ],
  usages: {
    limit_5h: { used_ratio: 0, reset_time: "2026-09-22T12:22:15Z" },
    limit_month_total: { used_ratio: 0.0795, reset_time: "2026-10-22T00:00:00Z" },
    limit_month_code: { used_ratio: 0, reset_time: "2026-10-22T00:00:00Z" },
  },
};

const MINIMAX = {
  model_remains: [
    {
      model_name: "general",
      start_time: 1780498800000,
      end_time: 1780516800000,
      remains_time: 4325211,
      current_interval_total_count: 0,
      current_interval_usage_count: 0,
      current_interval_remaining_percent: 92,
      current_interval_status: 1,
      weekly_end_time: 1780900000000,
      current_weekly_remaining_percent: "98",
      current_weekly_status: 1,
    },
    { model_name: "video", current_interval_remaining_percent: 1, current_interval_status: 1 },
  ],
  base_resp: { status_code: 0, status_msg: "success" },
};

const SYNTHETIC = {
  subscription: { limit: 1000, requests: 0, renewsAt: "2026-08-09T18:41:11.774Z" },
  search: { hourly: { limit: 250, requests: 0, renewsAt: "2026-08-25T02:17:51.751Z" } },
  weeklyTokenLimit: {
    nextRegenAt: "2026-08-09T16:32:59.000Z",
    percentRemaining: 38.8886,
    maxCredits: "$48.00",
    remainingCredits: "$18.66",
    nextRegenCredits: "$0.96",
  },
  rollingFiveHourLimit: {
    nextTickAt: "2026-08-09T13:47:57.000Z",
    tickPercent: 0.05,
    remaining: 987.4,
    max: 1000,
    limited: false,
  },
};

const OPENROUTER = {
  data: {
    label: "sk-or-v1-au7...890",
    limit: 100,
    limit_remaining: 74.5,
    limit_reset: "monthly",
    usage: 25.5,
    is_free_tier: false,
    expires_at: "2027-12-31T23:59:59Z",
    free_model_daily_requests: { limit: 50, remaining: 38, used: 12 },
    rate_limit: { requests: -1, interval: "1h", note: "This field is deprecated and safe to ignore." },
  },
};

function openRouter(change: Record<string, unknown>): unknown {
  return { data: { ...OPENROUTER.data, ...change } };
}

/** A plan's reply, and what it amounts to. */
const SAMPLES: [name: string, quota: string, body: unknown, expected: string[]][] = [
  [
    "Ollama's current plan has a month of dollars and bought credit, as alternatives",
    "ollama-cloud",
    {
      included: {
        balance_usd: 72.5,
        allowance_usd: 100,
        period: { from: "2026-09-15T09:30:00Z", until: "2026-10-15T09:30:00Z" },
      },
      purchased: { balance_usd: 25 },
    },
    ["month 72.5/100 USD until 2026-10-15T09:30:00.000Z (group ollama)", "credit 25 USD (group ollama)"],
  ],
  [
    "Ollama's legacy plan has percentages, which do not block beside bought credit",
    "ollama-cloud",
    {
      included: {
        session: { remaining_percent: 75, resets_at: "2026-10-01T07:00:00Z" },
        weekly: { remaining_percent: 40, resets_at: "2026-10-05T00:00:00Z" },
      },
      purchased: { balance_usd: 25 },
    },
    [
      "5h 75 percent until 2026-10-01T07:00:00.000Z (shown only)",
      "week 40 percent until 2026-10-05T00:00:00.000Z (shown only)",
      "credit 25 USD (shown only)",
    ],
  ],
  [
    "Ollama's legacy plan blocks without bought credit",
    "ollama-cloud",
    {
      included: { weekly: { remaining_percent: 3, resets_at: "2026-10-05T00:00:00Z" } },
      purchased: { balance_usd: 0 },
    },
    ["week 3 percent until 2026-10-05T00:00:00.000Z", "credit 0 USD (shown only)"],
  ],
  [
    "OpenRouter's cap blocks paid models only, its free day only free ones",
    "openrouter",
    OPENROUTER,
    [
      "month 74.5/100 USD until 2026-10-01T00:00:00.000Z (!*:free)",
      "day 38/50 requests until 2026-09-21T00:00:00.000Z (*:free)",
    ],
  ],
  [
    "OpenRouter's weekly cap resets on Monday",
    "openrouter",
    openRouter({ limit_reset: "weekly", limit_remaining: 0.4 }),
    [
      "week 0.4/100 USD until 2026-09-21T00:00:00.000Z (!*:free)",
      "day 38/50 requests until 2026-09-21T00:00:00.000Z (*:free)",
    ],
  ],
  [
    "a cap for the key's lifetime has no reset",
    "openrouter",
    openRouter({ limit_reset: null, free_model_daily_requests: undefined }),
    ["credit 74.5/100 USD (!*:free)"],
  ],
  [
    "a budget of a workspace is read by its amounts",
    "openrouter",
    openRouter({
      limit: null,
      limit_remaining: null,
      free_model_daily_requests: undefined,
      budgets: [
        {
          scope: "some_new_scope",
          limit_usd: 50,
          spend_usd: 32.5,
          remaining_usd: 17.5,
          reset_interval: "weekly",
          resets_at: "2026-10-12T00:00:00.000Z",
        },
      ],
    }),
    ["week 17.5/50 USD until 2026-10-12T00:00:00.000Z (!*:free)"],
  ],
  [
    "OpenCode Go tells integer percentages: 1 is one per cent",
    "opencode-go",
    {
      usage: {
        rolling: { status: "ok", percent: 4, resetsAt: "2026-08-13T16:27:38.287Z" },
        weekly: { status: "ok", percent: 3, resetsAt: "2026-08-17T00:00:00.287Z" },
        monthly: { status: "ok", percent: 1, resetsAt: "2026-09-13T06:06:01.287Z" },
      },
    },
    [
      "5h 96 percent until 2026-08-13T16:27:38.287Z",
      "week 97 percent until 2026-08-17T00:00:00.287Z",
      "month 99 percent until 2026-09-13T06:06:01.287Z",
    ],
  ],
  [
    "at 0 % a window of OpenCode Go has not begun, so its reset means nothing",
    "opencode-go",
    { usage: { rolling: { status: "ok", percent: 0, resetsAt: "2026-09-20T15:00:00.000Z" } } },
    ["5h 100 percent"],
  ],
  [
    "a spent window of OpenCode Go has another status",
    "opencode-go",
    { usage: { weekly: { status: "rate-limited", percent: 100, resetsAt: "2026-09-21T00:00:00Z" } } },
    ["week 0 percent until 2026-09-21T00:00:00.000Z"],
  ],
  [
    "z.ai's usage is the limit",
    "zai-coding-plan",
    {
      code: 200,
      msg: "Operation successful",
      success: true,
      data: {
        level: "lite",
        limits: [
          {
            ...{ type: "CREDIT_LIMIT", unit: 3, number: 5, usage: 2000, currentValue: 251 },
            ...{ remaining: 1748, percentage: 12, nextResetTime: 1790256683169 },
          },
          {
            ...{ type: "CREDIT_LIMIT", unit: 6, number: 1, usage: 10000, currentValue: 251 },
            ...{ remaining: 9748, percentage: 2, nextResetTime: 1790791834975 },
          },
        ],
      },
    },
    [
      "5h 1748/2000 credits until 2026-09-24T13:31:23.169Z",
      "week 9748/10000 credits until 2026-09-30T18:10:34.975Z",
    ],
  ],
  [
    "z.ai's idle session is full, a new type hides no other row, and tools do not stop a chat",
    "zai-coding-plan",
    {
      success: true,
      data: {
        limits: [
          { type: "SOMETHING_NEW", unit: 3, number: 5, percentage: 100 },
          { type: "TOKENS_LIMIT", unit: 3, number: 5, percentage: 0 },
          { type: "TIME_LIMIT", unit: 5, number: 1, percentage: 100, nextResetTime: 1790791834975 },
        ],
      },
    },
    ["5h 100 percent", "month 0 percent until 2026-09-30T18:10:34.975Z (shown only)"],
  ],
  [
    "of Kimi's two views the one with more use counts",
    "kimi-code",
    KIMI_SPENT,
    ["5h 0 percent until 2026-09-22T12:22:15.593Z", "month 92.05 percent until 2026-10-22T00:00:00.000Z"],
  ],
  [
    "Kimi's older week is in texts, with nanoseconds",
    "kimi-code",
    {
      usage: { limit: "2048", used: "214", remaining: "1834", resetTime: "2026-01-09T15:23:13.716839300Z" },
      limits: [],
      parallel: { limit: "20" },
    },
    ["week 89.5508 percent until 2026-01-09T15:23:13.716Z"],
  ],
  [
    "a spent week of Kimi's counts although the other view says 0",
    "kimi-code",
    {
      usage: { limit: "100", used: "100", resetTime: "2026-09-22T00:00:00Z" },
      usages: { limit_7d: { used_ratio: 0, reset_time: "2026-09-22T00:00:00Z" } },
    },
    ["week 0 percent until 2026-09-22T00:00:00.000Z"],
  ],
  [
    "MiniMax's chat row has percentages, also as texts",
    "minimax",
    MINIMAX,
    ["5h 92 percent until 2026-06-03T20:00:00.000Z", "week 98 percent until 2026-06-08T06:26:40.000Z"],
  ],
  [
    "Synthetic refills in steps: the step is no reset, and tickPercent no use",
    "synthetic",
    SYNTHETIC,
    ["5h 987.4/1000 requests (+50)", "week 18.66/48 USD (+0.96)"],
  ],
  [
    "NanoGPT's share used is a fraction, and null is no limit",
    "nano-gpt",
    {
      active: true,
      state: "active",
      limits: { weeklyInputTokens: 60000000, dailyInputTokens: null, dailyImages: 100 },
      weeklyInputTokens: { used: 631288, remaining: 59368712, percentUsed: 0.0105, resetAt: 1791763200000 },
      dailyInputTokens: null,
      dailyImages: { used: 100, remaining: 0, percentUsed: 1, resetAt: 1791763200000 },
    },
    ["week 59368712/60000000 tokens until 2026-10-12T00:00:00.000Z"],
  ],
  [
    "NanoGPT's older day blocks only where it is enforced",
    "nano-gpt",
    {
      active: true,
      limits: { daily: 2000, monthly: 60000 },
      enforceDailyLimit: false,
      daily: { used: 2000, remaining: 0, percentUsed: 1, resetAt: 1791763200000 },
      monthly: { used: 100, remaining: 59900, percentUsed: 0.001, resetAt: 1791763200000 },
    },
    [
      "day 0/2000 requests until 2026-10-12T00:00:00.000Z (shown only)",
      "month 59900/60000 requests until 2026-10-12T00:00:00.000Z",
    ],
  ],
  [
    "Chutes has dollars of four hours and of a month, beyond which the balance pays",
    "chutes",
    {
      subscription: true,
      custom: false,
      monthly_price: 20,
      four_hour: { usage: 0.5, cap: 8.333, remaining: 7.83, reset_at: "2026-09-27T12:00:00+00:00" },
      monthly: { usage: 42, cap: 100, remaining: 58, reset_at: "2026-10-01T00:00:00+00:00" },
    },
    [
      "5h 7.83/8.333 USD until 2026-09-27T12:00:00.000Z (shown only)",
      "month 58/100 USD until 2026-10-01T00:00:00.000Z (shown only)",
    ],
  ],
  [
    "Copilot's chat without a limit is left out",
    "github-copilot",
    {
      copilot_plan: "pro",
      quota_reset_date_utc: "2026-10-01T00:00:00.000Z",
      quota_snapshots: {
        premium_interactions: {
          entitlement: 500,
          remaining: 450,
          overage_permitted: false,
          unlimited: false,
        },
        chat: { entitlement: 0, remaining: 0, unlimited: true },
      },
    },
    ["month 450/500 requests until 2026-10-01T00:00:00.000Z"],
  ],
  [
    "Cline's plan has percentages by type",
    "cline",
    { data: { limits: [{ type: "five_hour", percentUsed: 30, resetsAt: "2026-09-20T12:00:00Z" }] } },
    ["5h 70 percent until 2026-09-20T12:00:00.000Z"],
  ],
  [
    "DeepSeek's currencies stay apart",
    "deepseek",
    {
      is_available: true,
      balance_infos: [
        { currency: "CNY", total_balance: "110.00", granted_balance: "10.00", topped_up_balance: "100.00" },
        { currency: "USD", total_balance: "0.00" },
      ],
    },
    ["credit 110 CNY (group deepseek)", "credit 0 USD (group deepseek)"],
  ],
  [
    "DeepSeek's own word decides, even with money left",
    "deepseek",
    { is_available: false, balance_infos: [{ currency: "USD", total_balance: "3.00" }] },
    ["credit 0 USD (group deepseek)"],
  ],
  [
    "Moonshot has one number, and cash may be negative",
    "moonshotai",
    {
      code: 0,
      data: { available_balance: 49.58894, voucher_balance: 50, cash_balance: -0.41106 },
      scode: "0x0",
      status: true,
    },
    ["credit 49.5889 USD"],
  ],
  [
    "Novita counts ten-thousandths of a dollar",
    "novita-ai",
    { availableBalance: "1000000", cashBalance: "800000", creditLimit: "200000", pendingCharges: "0" },
    ["credit 100 USD"],
  ],
  ["Vercel's balance is a text", "vercel", { balance: "95.50", total_used: "4.50" }, ["credit 95.5 USD"]],
  ["Poe counts points", "poe", { current_point_balance: 1500 }, ["credit 1500 credits"]],
  [
    "Venice has two balances",
    "venice",
    {
      canConsume: true,
      consumptionCurrency: "DIEM",
      balances: { diem: 90.5, usd: 25 },
      diemEpochAllocation: 100,
    },
    ["credit 90.5 credits (group venice)", "credit 25 USD (group venice)"],
  ],
  [
    "DeepInfra's negative balance is prepaid credit, less what is not billed yet",
    "deepinfra",
    { stripe_balance: -10, recent: 5.5, limit: 200, suspended: false, suspend_reason: null },
    ["credit 4.5 USD"],
  ],
  [
    "who pays DeepInfra afterwards is not out of credit",
    "deepinfra",
    { stripe_balance: 3, recent: 1, limit: null, suspended: false },
    ["credit -4 USD (shown only)"],
  ],
  ["SiliconFlow has a total", "siliconflow", { data: { totalBalance: "12.5" } }, ["credit 12.5 USD"]],
  [
    "Hugging Face counts billionths of a dollar",
    "huggingface",
    {
      usage: {
        inferenceProviders: {
          usedNanoUsd: 500_000_000,
          includedNanoUsd: 2_000_000_000,
          limitNanoUsd: 10_000_000_000,
          numRequests: 31,
        },
      },
    },
    ["month 9.5/10 USD"],
  ],
];

test.each(SAMPLES)("%s", (_name, quota, body, expected) => {
  expect(lines(read(quota, body))).toEqual(expected);
});

/** Replies that say that nothing is left. */
const SPENT: [name: string, quota: string, body: unknown, models: string][] = [
  ["OpenRouter's cap", "openrouter", openRouter({ limit_remaining: 0 }), "!*:free"],
  ["OpenRouter's cap below zero", "openrouter", openRouter({ limit_remaining: -0.3 }), "!*:free"],
  [
    "OpenRouter's free day",
    "openrouter",
    openRouter({ free_model_daily_requests: { limit: 50, used: 50, remaining: 0 } }),
    "*:free",
  ],
  [
    "z.ai's credits",
    "zai-coding-plan",
    {
      success: true,
      data: {
        limits: [{ type: "CREDIT_LIMIT", unit: 3, number: 5, usage: 2000, remaining: 0, percentage: 100 }],
      },
    },
    "",
  ],
  [
    "MiniMax's status, which beats a percentage that lags",
    "minimax",
    {
      ...MINIMAX,
      model_remains: [
        { ...MINIMAX.model_remains[0], current_interval_status: 2, current_interval_remaining_percent: 3 },
      ],
    },
    "",
  ],
  [
    "Synthetic's limit",
    "synthetic",
    { rollingFiveHourLimit: { ...SYNTHETIC.rollingFiveHourLimit, remaining: 0.4, limited: true } },
    "",
  ],
  ["Poe's points", "poe", { current_point_balance: 0 }, ""],
  ["Moonshot's balance", "moonshotai", { code: 0, data: { available_balance: -0.1 } }, ""],
];

test.each(SPENT)("%s is spent", (_name, quota, body, models) => {
  const spent = quotasOf(read(quota, body)).filter((one) => one.blocking && isSpent(one, 0));
  expect(spent.map((one) => one.models?.join() ?? "")).toEqual([models]);
});

const ALL = Object.keys(BASES);

test.each(ALL)("%s: an empty object, null, a list, HTML and a server error are unknown", (quota) => {
  for (const body of [
    "{}",
    "null",
    "[]",
    "<!doctype html><title>Just a moment…</title>",
    "",
    '{"data":{}}',
  ]) {
    const reading = read(quota, body);
    expect([body, reading.kind]).toEqual([body, "unknown"]);
  }
  expect(read(quota, "{}", 500).kind).toBe("unknown");
  expect(read(quota, "{}", 429)).toEqual({ kind: "unknown", why: "asked too often (429)" });
  expect(read(quota, "{}", 302).kind).toBe("unknown");
});

/** Good statuses for keys that may not read, and other words for "no". */
const OTHER: [name: string, quota: string, body: unknown, status: number, expected: Reading["kind"]][] = [
  ["MiniMax: a dead key with 200", "minimax", { base_resp: { status_code: 1004 } }, 200, "key-rejected"],
  [
    "MiniMax: a key of the other region",
    "minimax",
    { base_resp: { status_code: 2049 } },
    200,
    "key-rejected",
  ],
  [
    "MiniMax: a model that is not in the plan is not free",
    "minimax",
    { model_remains: [{ model_name: "general", current_interval_status: 3, current_weekly_status: 3 }] },
    200,
    "no-plan",
  ],
  [
    "z.ai: a dead key with 200",
    "zai-coding-plan",
    { code: 401, msg: "token expired or incorrect", success: false },
    200,
    "key-rejected",
  ],
  [
    "z.ai: a team without its headers",
    "zai-coding-plan",
    { success: true, data: { limits: [] } },
    200,
    "unknown",
  ],
  [
    "OpenRouter: no cap says nothing of the balance",
    "openrouter",
    openRouter({ limit: null, limit_remaining: null, free_model_daily_requests: undefined }),
    200,
    "unknown",
  ],
  ["Chutes: no subscription", "chutes", { subscription: false }, 200, "no-plan"],
  ["Chutes: a key that may only call models", "chutes", {}, 401, "unknown"],
  ["OpenCode Go: no plan", "opencode-go", { error: { type: "EntitlementError" } }, 403, "no-plan"],
  ["OpenCode Go: a dead key", "opencode-go", { error: { type: "AuthError" } }, 401, "key-rejected"],
  ["Cline: no plan", "cline", {}, 404, "no-plan"],
  ["Ollama: suspended", "ollama-cloud", {}, 403, "unknown"],
  [
    "Ollama: the history of usage is no quota",
    "ollama-cloud",
    { totals: { request_count: 15 } },
    200,
    "unknown",
  ],
  ["NanoGPT: inactive", "nano-gpt", { active: false, state: "inactive" }, 200, "no-plan"],
];

test.each(OTHER)("%s", (_name, quota, body, status, expected) => {
  expect(read(quota, body, status).kind).toBe(expected);
});

test("a key is sent to its provider's own origin only", () => {
  const at = (quota: string, baseUrl: string, isQuotaNamed = false): string | undefined =>
    quotaEndpoint({ quota, baseUrl, isQuotaNamed }, NOW)?.url;
  expect(at("ollama-cloud", "https://ollama.com/v1")).toBe("https://ollama.com/api/balance");
  expect(at("chutes", "https://llm.chutes.ai/v1")).toBe("https://api.chutes.ai/users/me/subscription_usage");
  expect(at("zai-coding-plan", "https://open.bigmodel.cn/api/coding/paas/v4")).toBe(
    "https://open.bigmodel.cn/api/monitor/usage/quota/limit",
  );
  // A relay under the preset's id, and a look-alike: nothing is asked.
  expect(at("ollama-cloud", "https://relay.example/v1")).toBeUndefined();
  expect(at("ollama-cloud", "https://ollama.com.example/v1")).toBeUndefined();
  expect(at("ollama-cloud", "http://ollama.com/v1")).toBeUndefined();
  // Named in the settings: on the origin of the address, never on the service's own.
  expect(at("ollama-cloud", "https://relay.example/v1", true)).toBe("https://relay.example/api/balance");
  expect(at("no-such", "https://relay.example/v1", true)).toBeUndefined();
});

test("a share of nothing is not a division by zero", () => {
  const quota: Quota = {
    window: "month",
    unit: "USD",
    limit: 0,
    remaining: 0,
    blocking: true,
    pool: "user",
    exact: true,
  };
  expect(shareLeft(quota)).toBe(0);
  expect(shareLeft({ ...quota, remaining: 5 })).toBe(1);
});
