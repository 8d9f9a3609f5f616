import type { BenchResult } from "../../core/bench/bench-result.ts";
import type { ModelBench } from "../../core/bench/model-bench.ts";

/**
 * One model as `bench --json` prints it; scripts rely on these names. `outcome` is one of measured, failed, skipped,
 * interrupted; figures are null where there are none; times are milliseconds, `atMs` since 1970.
 */
export function benchJson({ model, state, refusals, skippedKeys }: ModelBench) {
  const figures =
    state.kind === "measured" ? resultJson(state.result) : { ...NO_FIGURES, model, failed: refusals.length };
  return {
    ...figures,
    outcome: state.kind,
    why: state.kind === "skipped" ? state.why : null,
    refusals: refusals.map(({ keyName, verdict }) => ({
      key: keyName,
      verdict: verdict.kind,
      status: verdict.status,
      message: verdict.message,
    })),
    skippedKeys: skippedKeys.map(({ keyName, why }) => ({ key: keyName, why })),
  };
}

const NO_FIGURES = { atMs: null, runs: 0, firstTokenMs: null, tokensPerSecond: null, isEstimated: false };

/** A result with the same names wherever it is printed. */
export function resultJson(result: BenchResult) {
  const { model, atMs, runs, failed, firstTokenMs, tokensPerSecond = null, isEstimated } = result;
  return { model, atMs, runs, failed, firstTokenMs, tokensPerSecond, isEstimated };
}
