import { PATIENCE } from "../../../catalog/patience.ts";
import type { Key } from "../../../core/key.ts";
import { namedModels } from "../../../core/routing/targets.ts";
import type { Provider } from "../../../core/settings/provider.ts";
import { providerOf } from "../../../core/settings/settings.ts";
import { openCatalog } from "../../models/open-catalog.ts";
import type { World } from "../../world.ts";
import { type KeyTrial, type TrialOptions, tryModel } from "./test-key.ts";

/** Which models are tried: those that chains and fallbacks name, or all that the provider lists. */
export const MODEL_CHOICES = ["chains", "all"] as const;
export type ModelChoice = (typeof MODEL_CHOICES)[number];

/** One small request. */
export interface ModelTrial {
  key: Key;
  provider: Provider;
  model: string;
}

/** What a model has answered to a key; undefined where nobody waited for it. */
export interface TriedModel extends ModelTrial {
  trial: KeyTrial | undefined;
}

/** Two at a time do not look like a flood to a provider that counts. */
const AT_A_TIME = 2;

/** Long enough for a model that has to be loaded first. */
const MODEL_MS = 30_000;

/** The requests that a test would take; no more than `limit` for each key. */
export async function planTrials(
  world: World,
  keys: readonly Key[],
  { choice, limit }: { choice: ModelChoice; limit: number },
): Promise<{ trials: ModelTrial[]; cut: number }> {
  const lists = new Map<string, Promise<string[]>>();
  const trials: ModelTrial[] = [];
  let cut = 0;
  for (const key of keys) {
    const provider = providerOf(world.settings, key.provider);
    if (provider === undefined) continue;
    const list = lists.get(provider.id) ?? modelsFor(world, provider, choice);
    lists.set(provider.id, list);
    const models = await list;
    cut += Math.max(0, models.length - limit);
    trials.push(...models.slice(0, limit).map((model) => ({ key, provider, model })));
  }
  return { trials, cut };
}

async function modelsFor(world: World, provider: Provider, choice: ModelChoice): Promise<string[]> {
  if (choice === "chains") {
    const named = namedModels(world.settings).filter((ref) => ref.provider === provider.id);
    return [...new Set(named.map(({ model }) => model))];
  }
  const { catalog } = await openCatalog(world, PATIENCE.list, provider);
  return catalog.modelsOf(provider.id).map(({ id }) => id);
}

export interface TrialRun extends Omit<TrialOptions, "signal"> {
  /** Ends all of it; what is under way counts as not tried. */
  signal: AbortSignal;
  onDone: (done: number) => void;
}

/** Asks each model, key by key side by side. */
export async function tryModels(trials: readonly ModelTrial[], run: TrialRun): Promise<TriedModel[]> {
  const results = new Map<ModelTrial, KeyTrial>();
  const work = async (queue: ModelTrial[]): Promise<void> => {
    for (let next = queue.shift(); next !== undefined && !run.signal.aborted; next = queue.shift()) {
      const signal = AbortSignal.any([run.signal, AbortSignal.timeout(MODEL_MS)]);
      const trial = await tryModel(next.provider, next.key, next.model, { ...run, signal });
      if (run.signal.aborted) return;
      results.set(next, trial);
      run.onDone(results.size);
    }
  };
  const byKey = Map.groupBy(trials, ({ key }) => key);
  await Promise.all(
    [...byKey.values()].flatMap((own) => {
      const queue = [...own];
      return Array.from({ length: AT_A_TIME }, () => work(queue));
    }),
  );
  return trials.map((one) => ({ ...one, trial: results.get(one) }));
}
