import type { Fault, Verdict } from "../verdict/verdict.ts";
import type { RunFigures } from "./meter.ts";

/** The median of several measurements, and their range. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

export interface BenchResult {
  /** `provider/model`. */
  model: string;
  atMs: number;
  runs: number;
  failed: number;
  /** From the request to the first token of text or reasoning. */
  firstTokenMs: Spread;
  /** Undefined if the answers were too short or came in one piece. */
  tokensPerSecond: Spread | undefined;
  /** True if tokens were estimated from characters, since the provider reported none. */
  isEstimated: boolean;
}

/** Undefined if every run failed. */
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

/** With an even number of values, the median is between the middle two. */
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

export type BenchState =
  | { kind: "waiting" }
  | { kind: "running"; run: number; keyName: string; firstTokenMs: number | undefined; tokens: number }
  | { kind: "measured"; result: BenchResult }
  /** Every run failed; the refusals say why. */
  | { kind: "failed" }
  | { kind: "skipped"; why: string }
  /** The user stopped it before the first run ended. */
  | { kind: "interrupted" };

export interface BenchRefusal {
  keyName: string;
  verdict: Verdict;
}

/** The refusals are oldest first. */
export interface ModelBench {
  model: string;
  state: BenchState;
  refusals: readonly BenchRefusal[];
  /** Keys that were skipped because they are in cooldown. */
  skippedKeys: readonly SkippedKey[];
}

export interface SkippedKey {
  keyName: string;
  why: string;
}

/** Whether another key, or another run, may succeed. */
export function afterRefusal(fault: Fault): "other-key" | "next-run" | "give-up" {
  switch (fault) {
    case "lane":
    case "key":
      return "other-key";
    case "attempt":
      return "next-run";
    case "request":
    case "path":
    case "model":
    case "provider":
      return "give-up";
  }
}

export const NO_FIGURE = "—";

/** For example `0.42 s`. */
export function firstTokenText({ firstTokenMs }: BenchResult): string {
  return secondsText(firstTokenMs.median);
}

/** As many digits as are needed to tell models apart. */
export function secondsText(ms: number): string {
  return `${seconds(ms)} s`;
}

/** `~81` if tokens were estimated from characters. */
export function speedText({ tokensPerSecond, isEstimated }: BenchResult): string {
  if (tokensPerSecond === undefined) return NO_FIGURE;
  return `${isEstimated ? "~" : ""}${speed(tokensPerSecond.median)}`;
}

/** With the range of the runs, if there is one: `0.42 s (0.40–0.51)`. */
export function firstTokenSpread(result: BenchResult): string {
  return withEnds(firstTokenText(result), result.firstTokenMs, seconds);
}

export function speedSpread(result: BenchResult): string {
  return withEnds(speedText(result), result.tokensPerSecond, speed);
}

function withEnds(text: string, spread: Spread | undefined, format: (value: number) => string): string {
  if (spread === undefined) return text;
  const [min, max] = [format(spread.min), format(spread.max)];
  return min === max ? text : `${text} (${min}–${max})`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(ms < 99_500 ? 2 : 0);
}

/** Below ten, the tenths tell models apart. */
function speed(tokensPerSecond: number): string {
  return tokensPerSecond < 9.95 ? tokensPerSecond.toFixed(1) : String(Math.round(tokensPerSecond));
}
