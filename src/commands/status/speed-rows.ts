import type { Column } from "../../cli/table.ts";
import type { BenchResult } from "../../core/bench/bench-result.ts";
import { firstTokenText, speedText } from "../../core/bench/figure-text.ts";
import { formatWait } from "../../core/clock-text.ts";

/** As many as one looks at; `bench --all` may have left hundreds. */
const MODELS = 10;

export const SPEED_COLUMNS: readonly Column[] = [
  { title: "SPEED", shrinks: true },
  { title: "FIRST TOKEN" },
  { title: "TOKENS/S" },
  { title: "MEASURED", tone: () => "muted" },
];

/** What benchmarks have found, the last one first. */
export function speedRows(benches: readonly BenchResult[], nowMs: number): string[][] {
  return benches
    .toSorted((a, b) => b.atMs - a.atMs)
    .slice(0, MODELS)
    .map((bench) => [
      bench.model,
      firstTokenText(bench).padStart("FIRST TOKEN".length),
      speedText(bench).padStart("TOKENS/S".length),
      `${formatWait(Math.max(0, nowMs - bench.atMs))} ago`,
    ]);
}
