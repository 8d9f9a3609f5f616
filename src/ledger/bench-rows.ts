import type { Database } from "bun:sqlite";
import type { BenchResult, Spread } from "../core/bench/results.ts";

interface BenchRow {
  model: string;
  atMs: number;
  runs: number;
  failed: number;
  firstTokenMs: number;
  firstTokenMinMs: number;
  firstTokenMaxMs: number;
  tokensPerSecond: number | null;
  tokensPerSecondMin: number | null;
  tokensPerSecondMax: number | null;
  isEstimated: number;
}

/** Providers change their machines, so older results say nothing about today. */
const KEPT_MS = 90 * 24 * 60 * 60_000;

// Two processes may measure the same model: the later result wins.
const PUT = `
  INSERT INTO benches VALUES
    ($model, $atMs, $runs, $failed, $firstTokenMs, $firstTokenMinMs, $firstTokenMaxMs,
     $tokensPerSecond, $tokensPerSecondMin, $tokensPerSecondMax, $isEstimated)
  ON CONFLICT (model) DO UPDATE SET
    at_ms = excluded.at_ms, runs = excluded.runs, failed = excluded.failed,
    first_token_ms = excluded.first_token_ms, first_token_min_ms = excluded.first_token_min_ms,
    first_token_max_ms = excluded.first_token_max_ms, tokens_per_second = excluded.tokens_per_second,
    tokens_per_second_min = excluded.tokens_per_second_min,
    tokens_per_second_max = excluded.tokens_per_second_max, is_estimated = excluded.is_estimated
  WHERE excluded.at_ms >= benches.at_ms`;

const READ = `
  SELECT model, at_ms AS atMs, runs, failed, first_token_ms AS firstTokenMs, first_token_min_ms AS firstTokenMinMs,
    first_token_max_ms AS firstTokenMaxMs, tokens_per_second AS tokensPerSecond,
    tokens_per_second_min AS tokensPerSecondMin, tokens_per_second_max AS tokensPerSecondMax,
    is_estimated AS isEstimated
  FROM benches WHERE at_ms >= ? ORDER BY model`;

/** Call within a transaction. */
export function putBench(db: Database, result: BenchResult): void {
  const { model, atMs, runs, failed, firstTokenMs, tokensPerSecond, isEstimated } = result;
  db.query<unknown, [BenchRow & Record<string, string | number | null>]>(PUT).run({
    model,
    atMs,
    runs,
    failed,
    firstTokenMs: firstTokenMs.median,
    firstTokenMinMs: firstTokenMs.min,
    firstTokenMaxMs: firstTokenMs.max,
    tokensPerSecond: tokensPerSecond?.median ?? null,
    tokensPerSecondMin: tokensPerSecond?.min ?? null,
    tokensPerSecondMax: tokensPerSecond?.max ?? null,
    isEstimated: Number(isEstimated),
  });
}

/** Sorted by model. */
export function readBenches(db: Database, nowMs: number): BenchResult[] {
  return db
    .query<BenchRow, [number]>(READ)
    .all(nowMs - KEPT_MS)
    .map(({ model, atMs, runs, failed, isEstimated, ...figures }) => ({
      model,
      atMs,
      runs,
      failed,
      firstTokenMs: {
        median: figures.firstTokenMs,
        min: figures.firstTokenMinMs,
        max: figures.firstTokenMaxMs,
      },
      tokensPerSecond: speedOf(figures),
      isEstimated: isEstimated === 1,
    }));
}

export function pruneBenches(db: Database, nowMs: number): void {
  db.query("DELETE FROM benches WHERE at_ms < ?").run(nowMs - KEPT_MS);
}

type Speed = Pick<BenchRow, "tokensPerSecond" | "tokensPerSecondMin" | "tokensPerSecondMax">;

function speedOf({ tokensPerSecond, tokensPerSecondMin, tokensPerSecondMax }: Speed): Spread | undefined {
  if (tokensPerSecond === null || tokensPerSecondMin === null || tokensPerSecondMax === null)
    return undefined;
  return { median: tokensPerSecond, min: tokensPerSecondMin, max: tokensPerSecondMax };
}
