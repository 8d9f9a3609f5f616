import type { BenchResult, Spread } from "./bench-result.ts";
import { firstTokenText, speedText } from "./figure-text.ts";

/** One model's bar. */
export interface Bar {
  label: string;
  /** Undefined where there is nothing to draw; the text says so. */
  spread: Spread | undefined;
  text: string;
}

/** Bars that share a measure. */
export interface BarGroup {
  title: string;
  /** Which way is better. */
  hint: string;
  bars: readonly Bar[];
}

/** What a benchmark looks like, wherever it is drawn: one group for each figure, the models in the order given. */
export function benchChart(results: readonly BenchResult[]): BarGroup[] {
  return [
    {
      title: "Time to first token",
      hint: "shorter is better",
      bars: results.map((result) => ({
        label: result.model,
        spread: result.firstTokenMs,
        text: firstTokenText(result),
      })),
    },
    {
      title: "Tokens per second",
      hint: "longer is better",
      bars: results.map((result) => ({
        label: result.model,
        spread: result.tokensPerSecond,
        text: speedText(result),
      })),
    },
  ];
}

/** The value that fills a group's whole width. */
export function fullValue({ bars }: BarGroup, of: keyof Spread): number {
  return Math.max(0, ...bars.map(({ spread }) => spread?.[of] ?? 0));
}
