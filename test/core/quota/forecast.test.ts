import { expect, test } from "bun:test";
import { parseBudget } from "../../../src/core/quota/budget.ts";
import { forecastOf, forecastText, usedText, warningsOf } from "../../../src/core/quota/forecast.ts";
import {
  parseQuotaRecord,
  type Quota,
  type QuotaRecord,
  type TrailPoint,
  trailId,
  withReading,
} from "../../../src/core/quota/quota.ts";
import { learnedQuota, quotaBar, quotaLines } from "../../../src/core/quota/quota-lines.ts";
import { pacificDay } from "../../../src/core/verdict/declared-wait.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 8, 23, 12);

function fiveHours(used: number, resetInMs: number | undefined): Quota {
  const reset = resetInMs === undefined ? {} : { resetsAt: NOW + resetInMs };
  return { window: "5h", unit: "percent", used, ...reset, blocking: true, pool: "account", exact: true };
}

/** Use that grew evenly to what it is now. */
function evenTrail(used: number, overMs: number, from = 0): TrailPoint[] {
  return Array.from({ length: 13 }, (_, at): TrailPoint => {
    const part = at / 12;
    return [NOW - overMs + part * overMs, from + (used - from) * part];
  });
}

test("at the pace of late a window runs dry before its reset", () => {
  // 60 % in 2 h: the other 40 % last 80 minutes, and the reset is in 3 h.
  const forecast = forecastOf(fiveHours(60, 3 * HOUR), evenTrail(60, 2 * HOUR), NOW);
  expect(forecast).toEqual({ kind: "dry", atMs: NOW + 80 * MINUTE, beforeResetMs: 100 * MINUTE });
  expect(forecastText(forecast, NOW)).toMatch(/^dry at \d\d:\d\d, 1 h 40 m before the reset$/);
});

test("the reset wins", () => {
  const forecast = forecastOf(fiveHours(60, HOUR), evenTrail(60, 2 * HOUR), NOW);
  expect(forecast.kind).toBe("lasts");
  expect(forecastText(forecast, NOW)).toBe("90 % used at the reset");
});

test.each<[why: string, quota: Quota, trail: TrailPoint[]]>([
  ["without readings", fiveHours(60, HOUR), []],
  ["with two readings", fiveHours(60, HOUR), evenTrail(60, HOUR).slice(-2)],
  ["where the readings are of a few minutes", fiveHours(60, HOUR), evenTrail(60, 5 * MINUTE)],
  ["for what refills", { ...fiveHours(60, HOUR), regen: { perTick: 5, nextAt: NOW } }, evenTrail(60, HOUR)],
  ["for a window that was reset", fiveHours(60, -1), evenTrail(60, HOUR)],
  ["where nothing is left", fiveHours(100, HOUR), evenTrail(100, HOUR)],
])("nothing is foretold %s", (_why, quota, trail) => {
  expect(forecastOf(quota, trail, NOW)).toEqual({ kind: "unknown" });
});

test("use that fell is a reset: what was used before it does not count", () => {
  const before = evenTrail(95, 2 * HOUR).map(([atMs, used]): TrailPoint => [atMs - 3 * HOUR, used]);
  const forecast = forecastOf(fiveHours(10, 3 * HOUR), [...before, ...evenTrail(10, HOUR)], NOW);
  expect(forecast).toMatchObject({ kind: "lasts" });
  expect(forecast.kind === "lasts" && Math.round(forecast.usedShare * 100)).toBe(40);
});

test("who has stopped uses less by the hour", () => {
  const stopped = evenTrail(60, HOUR).map(([atMs, used]): TrailPoint => [atMs - 90 * MINUTE, used]);
  const forecast = forecastOf(fiveHours(60, 90 * MINUTE), stopped, NOW);
  expect(forecast.kind).toBe("lasts");
});

test("over days the habit counts: nights use nothing", () => {
  // Ten percent a day, all of it from 9 to 17 o'clock.
  const trail: TrailPoint[] = [];
  let used = 0;
  for (let atMs = NOW - 4 * DAY; atMs <= NOW; atMs += HOUR) {
    const hour = new Date(atMs).getUTCHours();
    if (hour > 9 && hour <= 17) used += 10 / 8;
    trail.push([atMs, used]);
  }
  const week: Quota = { ...fiveHours(used, 3 * DAY), window: "week" };
  const forecast = forecastOf(week, trail, NOW);
  expect(forecast.kind).toBe("lasts");
  // By the pace of the last hours it would be 41 % + 90 %.
  expect(forecast.kind === "lasts" && forecast.usedShare).toBeLessThan(0.78);
  expect(forecast.kind === "lasts" && forecast.usedShare).toBeGreaterThan(0.65);
});

test("a balance has days, and a top-up starts over", () => {
  const credit: Quota = {
    window: "credit",
    unit: "USD",
    remaining: 18,
    blocking: true,
    pool: "account",
    exact: true,
  };
  const spending = evenTrail(-18, 2 * HOUR, -20);
  const forecast = forecastOf(credit, spending, NOW);
  expect(forecastText(forecast, NOW)).toBe("dry in about 18 h");
  const toppedUp: TrailPoint[] = [...evenTrail(-1, 2 * HOUR, -3).slice(0, 11), [NOW, -18]];
  expect(forecastOf(credit, toppedUp, NOW)).toEqual({ kind: "unknown" });
});

function recordOf(quota: Quota, trail: TrailPoint[]): QuotaRecord {
  const key = { provider: "a", fingerprint: "f" };
  const record = withReading(undefined, key, { kind: "known", quotas: [quota] }, NOW);
  return { ...record, trails: { [trailId(quota)]: trail } };
}

test("a window is warned of at 80 %, and when it runs dry before its reset", () => {
  const kinds = (quota: Quota, trail: TrailPoint[] = []): string[] =>
    warningsOf(recordOf(quota, trail), NOW).map(({ kind }) => kind);
  expect(kinds(fiveHours(79, HOUR))).toEqual([]);
  expect(kinds(fiveHours(80, HOUR))).toEqual(["nearly used up"]);
  expect(kinds(fiveHours(60, 3 * HOUR), evenTrail(60, 2 * HOUR))).toEqual(["runs dry"]);
  expect(kinds(fiveHours(85, 3 * HOUR), evenTrail(85, 2 * HOUR))).toEqual(["nearly used up", "runs dry"]);
  expect(kinds({ ...fiveHours(90, HOUR), blocking: false })).toEqual([]);
  expect(kinds(fiveHours(100, HOUR))).toEqual([]);
  expect(kinds(fiveHours(90, -1))).toEqual([]);
});

test("the words say what is used, and about where it is rounded", () => {
  expect(usedText(fiveHours(12, HOUR))).toBe("12 % used");
  expect(usedText({ ...fiveHours(12, HOUR), exact: false })).toBe("about 12 % used");
  const dollars: Quota = { ...fiveHours(0, HOUR), unit: "USD", used: 27.5, limit: 100 };
  expect(usedText(dollars)).toBe("$27.50 of $100.00 used");
  expect(
    usedText({ window: "credit", unit: "USD", remaining: 25, blocking: true, pool: "user", exact: true }),
  ).toBe("$25.00 left");
});

test("the bar fills with what is used, and marks the time that has passed", () => {
  const bar = (used: number, resetInMs: number): string => {
    const [line] = quotaLines(recordOf(fiveHours(used, resetInMs), []), NOW);
    return line === undefined ? "" : quotaBar(line, 10, NOW);
  };
  expect(bar(50, 4 * HOUR)).toBe("━━┃━━─────");
  expect(bar(20, HOUR)).toBe("━━──────┃─");
  // A bar is full only when nothing is left.
  expect(bar(99, 10 * HOUR)).toBe("━━━━━━━━━─");
  expect(bar(100, 10 * HOUR)).toBe("━━━━━━━━━━");
  expect(bar(30, -1)).toBe("?·········");
});

test("a stored record is read again, and what another version wrote is not", () => {
  const record = recordOf(fiveHours(60, HOUR), evenTrail(60, HOUR));
  expect(parseQuotaRecord(JSON.stringify(record))).toEqual(record);
  for (const text of [
    "",
    "{}",
    "null",
    '{"provider":"a","fingerprint":"f","atMs":1,"reading":{"kind":"new"}}',
  ])
    expect(parseQuotaRecord(text)).toBeUndefined();
});

test("a trail stays small over months", () => {
  let record: QuotaRecord | undefined;
  const key = { provider: "a", fingerprint: "f" };
  for (let minute = 0; minute < 60 * 24 * 40; minute += 5)
    record = withReading(
      record,
      key,
      { kind: "known", quotas: [fiveHours(minute % 100, DAY * 90)] },
      NOW + minute * MINUTE,
    );
  const [trail] = Object.values(record?.trails ?? {});
  expect(trail?.length).toBeLessThan(450);
  expect(trail?.length).toBeGreaterThan(300);
});

test.each<[now: string, start: string, end: string]>([
  ["2026-01-10T12:00:00Z", "2026-01-10T08:00:00Z", "2026-01-11T08:00:00Z"],
  ["2026-07-10T06:59:00Z", "2026-07-09T07:00:00Z", "2026-07-10T07:00:00Z"],
  ["2026-07-10T07:00:00Z", "2026-07-10T07:00:00Z", "2026-07-11T07:00:00Z"],
  // Summer time begins on 8 March and ends on 1 November 2026.
  ["2026-03-08T12:00:00Z", "2026-03-08T08:00:00Z", "2026-03-09T07:00:00Z"],
  ["2026-11-01T12:00:00Z", "2026-11-01T07:00:00Z", "2026-11-02T08:00:00Z"],
])("the Pacific day of %s", (now, start, end) => {
  const day = pacificDay(Date.parse(now));
  expect([new Date(day.startMs).toISOString(), new Date(day.endMs).toISOString()]).toEqual(
    [start, end].map((text) => new Date(text).toISOString()),
  );
});

test("a day that a provider tells nothing of is learned from refusals", () => {
  const dayMs = Math.floor(NOW / DAY) * DAY;
  const served = (count: number, fromMs: number) =>
    Array.from({ length: count }, (_, at) => ({ atMs: fromMs + at * 1000, end: "served" as const }));
  const refused = (atMs: number) => ({ atMs, end: "quota" as const });
  const calls = [
    ...served(40, dayMs - DAY),
    refused(dayMs - DAY + HOUR),
    // What is refused later on the same day was asked in vain.
    refused(dayMs - DAY + 2 * HOUR),
    ...served(12, dayMs),
  ];
  expect(learnedQuota(calls, "opencode", NOW)).toMatchObject({
    ...{ window: "day", used: 12, limit: 40, resetsAt: dayMs + DAY, blocking: false, exact: false },
  });
  expect(learnedQuota(served(3, dayMs), "opencode", NOW)).not.toHaveProperty("limit");
  expect(learnedQuota([], "opencode", NOW)).toBeUndefined();
  expect(learnedQuota(calls, "acme", NOW)).toBeUndefined();
});

test.each<[text: string, expected: unknown]>([
  ["2 USD", { amount: 2, unit: "USD" }],
  ["$2.50", { amount: 2.5, unit: "USD" }],
  ["500_000 tokens", { amount: 500_000, unit: "tokens" }],
  ["300 requests a day", { amount: 300, unit: "requests" }],
  ["1 request", { amount: 1, unit: "requests" }],
  ["2", undefined],
  ["2 EUR", undefined],
  ["-2 USD", undefined],
  ["requests", undefined],
])("a budget of %p", (text, expected) => {
  expect(parseBudget(text)).toEqual(expected as never);
});
