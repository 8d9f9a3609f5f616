/** The windows in which providers count usage. */
export type ResetWindow = "session" | "hourly" | "daily" | "weekly" | "monthly";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Ollama's sessions begin at multiples of five hours of Unix time. */
const SESSION_MS = 5 * HOUR_MS;
/** The Unix epoch was a Thursday; weeks begin on the Monday four days later. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

/** The moment at which the window that `nowMs` lies in ends, by Ollama's clock (UTC throughout). */
export function nextResetMs(window: ResetWindow, nowMs: number): number {
  switch (window) {
    case "session":
      return nextMultiple(nowMs, SESSION_MS, 0);
    case "hourly":
      return nextMultiple(nowMs, HOUR_MS, 0);
    case "daily":
      return nextMultiple(nowMs, DAY_MS, 0);
    case "weekly":
      return nextMultiple(nowMs, 7 * DAY_MS, FIRST_MONDAY_MS);
    case "monthly": {
      const now = new Date(nowMs);
      return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
    }
  }
}

function nextMultiple(nowMs: number, lengthMs: number, offsetMs: number): number {
  return (Math.floor((nowMs - offsetMs) / lengthMs) + 1) * lengthMs + offsetMs;
}
