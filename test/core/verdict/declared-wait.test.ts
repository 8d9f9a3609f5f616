import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  declaredWaitMs,
  LONGEST_WAIT_MS,
  namedWindow,
  nextResetMs,
  type ResetWindow,
  resetOf,
} from "../../../src/core/verdict/declared-wait.ts";

const NOW = Date.UTC(2026, 9, 7, 12, 0, 0);
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const waitOf = (headers: Record<string, string>, text = "", json?: unknown) =>
  declaredWaitMs({ headers: new Headers(headers), text, json, nowMs: NOW });

describe("Retry-After and its kin", () => {
  test.each<[name: string, headers: Record<string, string>, expected: number | undefined]>([
    ["milliseconds", { "retry-after-ms": "1500" }, 1500],
    ["Azure's milliseconds", { "x-ms-retry-after-ms": "20" }, 20],
    ["milliseconds before seconds", { "retry-after-ms": "1500", "retry-after": "9" }, 1500],
    ["milliseconds that are no number", { "retry-after-ms": "soon", "retry-after": "9" }, 9 * SECOND],
    ["seconds", { "retry-after": "7" }, 7 * SECOND],
    ["many seconds", { "retry-after": "52220" }, 52_220 * SECOND],
    ["a fraction", { "retry-after": "0.25" }, 250],
    ["a span", { "retry-after": "5m" }, 5 * MINUTE],
    ["an HTTP date", { "retry-after": "Wed, 07 Oct 2026 12:00:30 GMT" }, 30 * SECOND],
    ["a date in the past", { "retry-after": "Wed, 07 Oct 2026 11:00:00 GMT" }, 0],
    ["an epoch in seconds", { "retry-after": String(NOW / SECOND + 60) }, MINUTE],
    ["an epoch in milliseconds", { "retry-after": String(NOW + 60) }, 60],
    ["a negative number", { "retry-after": "-5" }, 0],
    ["far too long", { "retry-after": "99999999" }, LONGEST_WAIT_MS],
    ["nonsense", { "retry-after": "later" }, undefined],
    ["nothing", {}, undefined],
  ])("%s", (_name, headers, expected) => {
    expect(waitOf(headers)).toBe(expected);
  });

  test("a date is measured by the provider's own clock", () => {
    const headers = { date: "Wed, 07 Oct 2026 15:00:00 GMT", "retry-after": "Wed, 07 Oct 2026 15:00:10 GMT" };
    expect(waitOf(headers)).toBe(10 * SECOND);
  });
});

describe("fields of the body", () => {
  test.each<[name: string, json: unknown, expected: number | undefined]>([
    ["seconds in the metadata", { error: { metadata: { retry_after_seconds: 1 } } }, SECOND],
    ["RetryInfo", { error: { details: [{ "@type": "x", retryDelay: "34s" }] } }, 34 * SECOND],
    ["RetryInfo with a fraction", [{ error: { details: [{ retryDelay: "45.578569677s" }] } }], 45_579],
    ["a spelt-out duration", { retryDelay: { seconds: "3", nanos: 500_000_000 } }, 3500],
    [
      "a header copied into the body",
      { error: { metadata: { headers: { "Retry-After": "2" } } } },
      2 * SECOND,
    ],
    [
      "seconds until the reset",
      { error: { resets_at: NOW / SECOND + 999, resets_in_seconds: 529 } },
      529 * SECOND,
    ],
    ["the moment of the reset", { error: { resets_at: NOW / SECOND + 60 } }, MINUTE],
    ["reset_seconds", { reset_seconds: 90 }, 90 * SECOND],
    ["a quota's delay", { metadata: { quotaResetDelay: "15h22m4s" } }, 15 * HOUR + 22 * MINUTE + 4 * SECOND],
    [
      "a copied limit that is used up",
      { metadata: { headers: { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": String(NOW + 5000) } } },
      5000,
    ],
    [
      "a copied limit that is not",
      { metadata: { headers: { "X-RateLimit-Remaining": "3", "X-RateLimit-Reset": String(NOW + 5000) } } },
      undefined,
    ],
  ])("%s", (_name, json, expected) => {
    expect(waitOf({}, "", json)).toBe(expected);
  });
});

describe("words", () => {
  test.each<[text: string, expected: number | undefined]>([
    ["Please try again in 1m0.363142857s. Visit the docs", 60_364],
    ["Please retry in 45.57s.", 45_570],
    ["Please try again in 644ms.", 644],
    [
      "Rate limit of 50 per 86400s exceeded for UserByModelByDay. Please wait 5631 seconds before retrying.",
      5631 * SECOND,
    ],
    ["Monthly usage limit reached. Resets in 13 days. To continue, pay", 13 * DAY],
    ["Weekly usage limit reached. Resets in 19hr", 19 * HOUR],
    ["Resets in 164h27m24s.", 164 * HOUR + 27 * MINUTE + 24 * SECOND],
    ["dropped (reset after 2h30m14s)", 2 * HOUR + 30 * MINUTE + 14 * SECOND],
    ["reached configured quota threshold (reset after 19h 24m 10s)", 19 * HOUR + 24 * MINUTE + 10 * SECOND],
    ["Your limit resets in 2 hours and 5 minutes", 2 * HOUR + 5 * MINUTE],
    ["please try again after 1 seconds", SECOND],
    ["Try again in about 3 minutes", 3 * MINUTE],
    ["No deployments available, Try again in 60 seconds. Passed model=x", MINUTE],
    [
      "Usage limit reached for 5 hour. Your limit will reset at 2026-10-07 21:31:39",
      91 * MINUTE + 39 * SECOND,
    ],
    ["已达到 5 小时的使用上限。您的限额将在 2026-10-07 20:00:05 重置。", 5 * SECOND],
    ["请在 30 秒后重试", 30 * SECOND],
    ["请 5 分钟后再试", 5 * MINUTE],
    ["Weekly/Monthly Limit Exhausted... reset at 2026-10-08T00:00:00Z", 12 * HOUR],
    ["It will reset at 2026-10-07 20:30:00 +0800 CST.", 30 * MINUTE],
    ["You will regain access on 2026-10-08 at 00:00 UTC.", 12 * HOUR],
    ["limit resets at 1791374460", MINUTE],
    ["reset at 2026-01-01T00:00:00Z", 0],
    ["too many concurrent requests", undefined],
    ["Usage limit reached for 5 hour", undefined],
    ["retry with fewer than 8000 tokens", undefined],
    ["Limit 7000, Used 6148, Requested 7895", undefined],
  ])("%s", (text, expected) => {
    expect(waitOf({}, text)).toBe(expected);
  });
});

describe("limits in headers", () => {
  test.each<[name: string, headers: Record<string, string>, expected: number | undefined]>([
    [
      "a Go duration",
      { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2m59.56s" },
      179_560,
    ],
    ["milliseconds", { "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "12ms" }, 12],
    [
      "seconds as a fraction",
      { "x-ratelimit-remaining-tokens-minute": "0", "x-ratelimit-reset-tokens-minute": "33.5" },
      33_500,
    ],
    [
      "an epoch in seconds",
      { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(NOW / SECOND + 5) },
      5 * SECOND,
    ],
    [
      "an epoch in milliseconds",
      { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(NOW + 5000) },
      5 * SECOND,
    ],
    [
      "RFC 3339",
      {
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2026-10-07T12:00:09Z",
      },
      9 * SECOND,
    ],
    [
      "a rejected window",
      {
        "anthropic-ratelimit-unified-5h-status": "rejected",
        "anthropic-ratelimit-unified-5h-reset": String(NOW / SECOND + 60),
        "anthropic-ratelimit-unified-7d-status": "allowed",
        "anthropic-ratelimit-unified-7d-reset": String(NOW / SECOND + 99_999),
      },
      MINUTE,
    ],
    ["Mistral's name", { "ratelimitbysize-remaining": "0", "ratelimitbysize-reset": "12" }, 12 * SECOND],
    ["a lone reset", { "x-ratelimit-reset": String(NOW / SECOND + 5) }, 5 * SECOND],
    [
      "only the limit that is used up",
      {
        "x-ratelimit-remaining-requests": "14",
        "x-ratelimit-reset-requests": "23h",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "7.66s",
      },
      7660,
    ],
    [
      "the longer of two that are",
      {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1h",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "7s",
      },
      HOUR,
    ],
    ["none that is used up", { "x-ratelimit-remaining": "3", "x-ratelimit-reset": "99" }, undefined],
  ])("%s", (_name, headers, expected) => {
    expect(waitOf(headers)).toBe(expected);
  });
});

describe("of several sources", () => {
  const used = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" };

  test("the header comes first, then fields, then words, then limits", () => {
    expect(waitOf({ ...used, "retry-after": "1" }, "try again in 3s", { retry_after_seconds: 2 })).toBe(
      SECOND,
    );
    expect(waitOf(used, "try again in 3s", { retry_after_seconds: 2 })).toBe(2 * SECOND);
    expect(waitOf(used, "try again in 3s")).toBe(3 * SECOND);
    expect(waitOf(used)).toBe(9 * SECOND);
  });

  test("whatever is declared, the wait is whole, not negative and not endless", () => {
    const value = fc.oneof(
      fc.double().map(String),
      fc.integer().map(String),
      fc.constantFrom("5m", "1e99", "-3s", "2026-99-99", "Infinity"),
    );
    fc.assert(
      fc.property(value, fc.string(), fc.jsonValue(), (header, text, json) => {
        const wait = waitOf(
          { "retry-after": header, "x-ratelimit-reset": header },
          `retry in ${header} ${text}`,
          { json, retry_after: header },
        );
        if (wait === undefined) return;
        expect(Number.isInteger(wait)).toBe(true);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(LONGEST_WAIT_MS);
      }),
    );
  });
});

test.each<[window: ResetWindow, now: string, end: string]>([
  ["session", "2026-10-07T12:34:56Z", "2026-10-07T13:00:00Z"],
  ["session", "1970-01-01T00:00:00Z", "1970-01-01T05:00:00Z"],
  ["hourly", "2026-10-07T12:34:56Z", "2026-10-07T13:00:00Z"],
  ["daily", "2026-10-07T12:34:56Z", "2026-10-08T00:00:00Z"],
  ["weekly", "2026-10-07T12:34:56Z", "2026-10-12T00:00:00Z"],
  ["weekly", "2026-10-12T00:00:00Z", "2026-10-19T00:00:00Z"],
  ["weekly", "2026-10-11T23:59:59Z", "2026-10-12T00:00:00Z"],
  ["monthly", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"],
  ["monthly", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"],
])("a %s window that %s lies in ends at %s", (window, now, end) => {
  expect(new Date(nextResetMs(window, Date.parse(now))).toISOString()).toBe(end.replace("Z", ".000Z"));
});

test.each<[provider: string, window: ResetWindow, end: string | undefined]>([
  // The month of a plan begins on its own day.
  ["ollama-cloud", "monthly", undefined],
  ["opencode-go", "monthly", undefined],
  ["ollama-cloud", "weekly", "2026-10-12T00:00:00Z"],
  ["acme", "monthly", "2026-11-01T00:00:00Z"],
  ["openrouter", "daily", "2026-10-08T00:00:00Z"],
  ["google", "daily", "2026-10-08T07:00:00Z"],
])("the reset of %s: %s", (provider, window, end) => {
  const resetMs = resetOf(provider, window, Date.parse("2026-10-07T12:34:56Z"));
  expect(resetMs).toBe(end === undefined ? undefined : Date.parse(end));
});

test.each<[provider: string, text: string, expected: ResetWindow | undefined]>([
  ["ollama-cloud", "you (name) have reached your monthly usage limit", "monthly"],
  ["google", "You exceeded your current quota. GenerateRequestsPerDayPerProjectPerModel-FreeTier", "daily"],
  ["google", "Quota exceeded for metric GenerateRequestsPerMinute", undefined],
  ["openrouter", "Rate limit exceeded: free-models-per-day", "daily"],
  ["opencode", "FreeUsageLimitError Free usage exceeded, add credits", "daily"],
  ["acme", "requests per day", undefined],
])("the window that %s names in %p", (provider, text, expected) => {
  expect(namedWindow(provider, text)).toBe(expected);
});

test("a window always ends later than now, and within its length", () => {
  const longest: Record<ResetWindow, number> = {
    session: 5,
    hourly: 1,
    daily: 24,
    weekly: 168,
    monthly: 744,
  };
  const windows = Object.keys(longest) as ResetWindow[];
  fc.assert(
    fc.property(fc.constantFrom(...windows), fc.integer({ min: 0, max: 4e12 }), (window, nowMs) => {
      const wait = nextResetMs(window, nowMs) - nowMs;
      expect(wait).toBeGreaterThan(0);
      expect(wait).toBeLessThanOrEqual(longest[window] * 3_600_000);
    }),
  );
});
