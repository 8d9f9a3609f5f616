import type { Fault, Verdict } from "../verdict/verdict.ts";
import type { RunFigures } from "./meter.ts";

/** The middle of several measurements, and how far they lie apart. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** What a benchmark has found out about one model. It is kept, and shown wherever models are chosen. */
export interface BenchResult {
  /** `provider/model`. */
  model: string;
  /** When it was measured. */
  atMs: number;
  /** Runs that were answered. */
  runs: number;
  /** Runs that were not. */
  failed: number;
  /** From the call to the first token, of text or of reasoning. */
  firstTokenMs: Spread;
  /** Undefined where the answers were too short, or came in one piece. */
  tokensPerSecond: Spread | undefined;
  /** Whether tokens were counted by characters, since the provider did not tell. */
  isEstimated: boolean;
}

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

/** How far the benchmark of one model has come. */
export type BenchState =
  | { kind: "waiting" }
  | { kind: "running"; run: number; keyName: string; firstTokenMs: number | undefined; tokens: number }
  | { kind: "measured"; result: BenchResult }
  /** No run was answered; the refusals say why. */
  | { kind: "failed" }
  /** Nothing was sent. */
  | { kind: "skipped"; why: string }
  /** Stopped by the person before any run was over. */
  | { kind: "interrupted" };

/** A call that was not answered, with the name of its key. */
export interface Refusal {
  keyName: string;
  verdict: Verdict;
}

/** One model in a benchmark, with what went wrong on the way, the oldest first. */
export interface ModelBench {
  model: string;
  state: BenchState;
  refusals: readonly Refusal[];
  /** Keys that were left alone, since they rest. */
  skippedKeys: readonly SkippedKey[];
}

export interface SkippedKey {
  keyName: string;
  why: string;
}

/** What a refusal means for the runs that are left: whether another key, or another try, may do better. */
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

/** Stands where nothing was measured. */
export const NO_FIGURE = "—";

/** The time to the first token: `0.42 s`. */
export function firstTokenText({ firstTokenMs }: BenchResult): string {
  return secondsText(firstTokenMs.median);
}

/** Seconds with as many digits as tell models apart. */
export function secondsText(ms: number): string {
  return `${seconds(ms)} s`;
}

/** Tokens per second, `~81` where they were counted by characters. */
export function speedText({ tokensPerSecond, isEstimated }: BenchResult): string {
  if (tokensPerSecond === undefined) return NO_FIGURE;
  return `${isEstimated ? "~" : ""}${speed(tokensPerSecond.median)}`;
}

/** The same with how far the runs lie apart, `0.42 s (0.40–0.51)`, where they do. */
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

/** Below ten the tenths are what tells models apart. */
function speed(tokensPerSecond: number): string {
  return tokensPerSecond < 9.95 ? tokensPerSecond.toFixed(1) : String(Math.round(tokensPerSecond));
}
