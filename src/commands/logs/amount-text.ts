import { formatDuration } from "../../core/duration.ts";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** A span as short as a column of a log has room for: `240 ms`, `1.2 s`, `3 m 5 s`. */
export function spanText(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < SECOND_MS) return `${whole} ms`;
  // Tenths matter here: they are what tells a quick model from a slow one.
  const tenths = Math.round(whole / 100) / 10;
  return tenths < 60 ? `${tenths.toFixed(1)} s` : formatDuration(Math.max(whole, MINUTE_MS));
}

const STEPS = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

/** A number of tokens in at most five characters: `950`, `1.2k`, `34k`, `1.5M`. */
export function countText(count: number): string {
  for (const [size, unit] of STEPS) {
    const scaled = count / size;
    // What would round up to the next unit's 1 is left to that unit: 999,600 is 1.0M, not 1000k.
    if (scaled < 0.9995) continue;
    return `${scaled < 9.95 ? scaled.toFixed(1) : String(Math.round(scaled))}${unit}`;
  }
  return String(Math.round(count));
}
