import type { BenchResult, Spread } from "./bench-result.ts";
import type { RunFigures } from "./run-meter.ts";

/** One result of several runs; undefined where none of them was answered. */
export function summarise(
  subject: Pick<BenchResult, "model" | "atMs" | "failed">,
  runs: readonly RunFigures[],
): BenchResult | undefined {
  const firstTokenMs = spreadOf(
    runs.map((run) => run.firstTokenMs),
    Math.round,
  );
  if (firstTokenMs === undefined) return undefined;
  const speeds = runs.flatMap((run) => run.tokensPerSecond ?? []);
  return {
    ...subject,
    runs: runs.length,
    firstTokenMs,
    tokensPerSecond: spreadOf(speeds, toTenth),
    isEstimated: runs.some((run) => run.isEstimated),
  };
}

/** The middle and the ends; of an even number of values the middle lies between two of them. */
export function spreadOf(values: readonly number[], round: (value: number) => number): Spread | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) return undefined;
  const upper = sorted[sorted.length >> 1] ?? max;
  const lower = sorted[(sorted.length - 1) >> 1] ?? min;
  return { median: round((lower + upper) / 2), min: round(min), max: round(max) };
}

function toTenth(value: number): number {
  return Math.round(value * 10) / 10;
}
