import { expect, test } from "bun:test";
import fc from "fast-check";
import { nextResetMs, type ResetWindow } from "../../../src/core/verdict/reset-window.ts";

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
