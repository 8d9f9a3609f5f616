import { benchModel } from "../../bench/bench-model.ts";
import type { RunLimits } from "../../bench/run-watch.ts";
import type { ModelBench } from "../../core/bench/model-bench.ts";
import { parseModelRef } from "../../core/model-ref.ts";
import type { Problem } from "../../core/problem.ts";
import type { Provider } from "../../core/settings/provider.ts";
import { providerOf, type Settings } from "../../core/settings/settings.ts";
import { send } from "../../proxy/upstream.ts";
import { keepLoopbackDirect } from "../keep-loopback-direct.ts";
import { openOwnState } from "../open-own-state.ts";
import type { World } from "../world.ts";
import { BenchKeys } from "./bench-keys.ts";

export interface BenchOptions {
  runs: number;
  /** Ends it; what is done by then is kept. */
  signal: AbortSignal;
  /** Told of all models whenever one of them has come further, with every token. */
  onChange?: (benches: readonly ModelBench[]) => void;
  /** Told once of each kind of trouble with the file that keeps the results. */
  onTrouble: (problem: Problem) => void;
}

/** A model that does not come to its end within this is slow enough to be known as slow. */
const RUN_MS = 180_000;

/** Measures models (`provider/model`) one after the other, and keeps the result of each as soon as it is there. */
export async function benchModels(
  world: Pick<World, "settings" | "keys" | "paths">,
  models: readonly string[],
  options: BenchOptions,
): Promise<ModelBench[]> {
  keepLoopbackDirect(process.env);
  const benches = models.map(
    (model): ModelBench => ({ model, state: { kind: "waiting" }, refusals: [], skippedKeys: [] }),
  );
  const note = (at: number, bench: ModelBench): void => {
    benches[at] = bench;
    options.onChange?.(benches);
  };
  const store = openOwnState(world, options.onTrouble);
  try {
    const benchKeys = new BenchKeys(world.keys, store.rests());
    for (const [at, model] of models.entries()) {
      if (options.signal.aborted) {
        note(at, { model, state: { kind: "interrupted" }, refusals: [], skippedKeys: [] });
        continue;
      }
      const bench = await benchOne(world, { model, benchKeys, options, onChange: (one) => note(at, one) });
      note(at, bench);
      if (bench.state.kind !== "measured") continue;
      store.saveBench(bench.state.result);
      // Whatever ends this process now, the model need not be measured again.
      store.flush();
    }
  } finally {
    store.close();
  }
  return benches;
}

interface OneModel {
  model: string;
  benchKeys: BenchKeys;
  options: BenchOptions;
  onChange: (bench: ModelBench) => void;
}

async function benchOne(
  { settings }: Pick<World, "settings">,
  { model, benchKeys, options, onChange }: OneModel,
): Promise<ModelBench> {
  const ref = parseModelRef(model);
  const provider = ref === undefined ? undefined : providerOf(settings, ref.provider);
  if (ref === undefined || provider === undefined) {
    return { model, state: { kind: "skipped", why: "no such provider" }, refusals: [], skippedKeys: [] };
  }
  const { keys, skippedKeys, why } = benchKeys.of(ref);
  if (keys.length === 0) return { model, state: { kind: "skipped", why }, refusals: [], skippedKeys };
  const bench = await benchModel({
    ref,
    provider,
    keys,
    skippedKeys,
    limits: limitsOf(provider, settings),
    rules: settings.rules,
    runs: options.runs,
    signal: options.signal,
    send,
    elapsedMs: () => performance.now(),
    newMark: () => crypto.randomUUID().slice(0, 8),
    onChange,
  });
  benchKeys.learn(ref.provider, bench);
  return bench;
}

function limitsOf(provider: Provider, { routing }: Settings): RunLimits {
  return {
    firstTokenMs: provider.firstTokenTimeoutMs ?? routing.firstTokenTimeoutMs,
    stallMs: provider.stallTimeoutMs ?? routing.stallTimeoutMs,
    totalMs: RUN_MS,
  };
}
