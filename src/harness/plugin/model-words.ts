import type { ControlBench, ControlModel } from "../../core/routing/control-state.ts";
import { readinessWords } from "./words.ts";

/** `0.42 s, 85 t/s`: the time to the first token, and tokens a second. */
export function benchWords(bench: ControlBench | null): string | undefined {
  if (bench === null) return undefined;
  const first = `${(bench.firstTokenMs / 1000).toFixed(bench.firstTokenMs < 1000 ? 2 : 1)} s`;
  return bench.tokensPerSecond === null ? first : `${first}, ${Math.round(bench.tokensPerSecond)} t/s`;
}

/** Whether a model can be used, and through how many keys. */
export function stateWords(model: ControlModel, nowMs: number): string {
  if (model.state !== "ready" || model.keys === 1) return readinessWords(model, nowMs);
  return `ready, ${model.ready} of ${model.keys} keys`;
}
