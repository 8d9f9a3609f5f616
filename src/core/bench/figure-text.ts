import type { BenchResult, Spread } from "./bench-result.ts";

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
