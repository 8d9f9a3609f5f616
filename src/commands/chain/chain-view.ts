import type { BenchResult } from "../../core/bench/bench-result.ts";
import type { Catalog } from "../../core/catalog/catalog.ts";
import { commonOf } from "../../core/catalog/common-of.ts";
import { type ModelTraits, UNKNOWN_TRAITS } from "../../core/catalog/model-entry.ts";
import { withOverrides } from "../../core/catalog/overrides.ts";
import { CHAIN_PROVIDER, parseModelRef } from "../../core/model-ref.ts";
import { lastingRests, type ModelReadiness, modelReadiness } from "../../core/routing/readiness.ts";
import type { Rest } from "../../core/routing/rest.ts";
import { expandModels } from "../../core/settings/chains.ts";
import { openExistingState } from "../open-existing-state.ts";
import type { World } from "../world.ts";

/** A chain as it stands now. */
export interface ChainView {
  name: string;
  /** As config.toml has them: models, and names of other chains. */
  entries: readonly string[];
  /** What all of its models can do. */
  traits: ModelTraits;
  /** Models that nothing is known about: the traits are those of the others. */
  leftOut: readonly string[];
  /** The models behind the entries, in the order they are tried. */
  members: readonly MemberView[];
}

export interface MemberView extends ModelReadiness {
  model: string;
  traits: ModelTraits;
  /** The last one, as long as it tells anything. */
  bench: BenchResult | undefined;
}

/** What stands behind a single model, or behind every other one. */
export interface FallbackView {
  model: string;
  entries: readonly string[];
  /** The models behind the entries. */
  models: readonly string[];
}

/** Everything about chains at one moment. */
export interface ChainsView {
  nowMs: number;
  chains: readonly ChainView[];
  fallbacks: readonly FallbackView[];
}

/** Looks at all chains: what the settings say, what the catalogue knows, and what the runs have met. */
export async function viewChains(world: World, catalog: Catalog): Promise<ChainsView> {
  const { settings } = world;
  const sight = await lookAt(world, catalog);
  return {
    nowMs: sight.nowMs,
    chains: Object.keys(settings.chains).map((name) => viewChain(name, sight)),
    fallbacks: Object.entries(settings.fallbacks).map(([model, entries]) => ({
      model,
      entries,
      models: expandModels(entries, settings.chains),
    })),
  };
}

/** Looks at single models. */
export async function viewModels(
  models: readonly string[],
  world: World,
  catalog: Catalog,
): Promise<MemberView[]> {
  const sight = await lookAt(world, catalog);
  return models.flatMap((model) => viewMember(model, sight));
}

interface Sight {
  world: World;
  catalog: Catalog;
  nowMs: number;
  lasting: ReadonlyMap<string, Rest>;
  benches: readonly BenchResult[];
}

async function lookAt(world: World, catalog: Catalog): Promise<Sight> {
  // A state that cannot be read is `doctor`'s to tell of; the models are there without it.
  const store = await openExistingState(world, () => {});
  const [rests, benches] = [store?.rests() ?? [], store?.benches() ?? []];
  store?.close();
  const nowMs = Date.now();
  return { world, catalog, nowMs, lasting: lastingRests(rests, nowMs), benches };
}

function viewChain(name: string, sight: Sight): ChainView {
  const { settings } = sight.world;
  const models = expandModels([name], settings.chains);
  // The catalogue may be older than the chain, which the editor changes; of single models it knows all there is.
  const { traits, leftOut } = commonOf(models, sight.catalog.find);
  return {
    name,
    entries: settings.chains[name] ?? [],
    traits: withOverrides(`${CHAIN_PROVIDER}/${name}`, traits, settings.models),
    leftOut,
    members: models.flatMap((model) => viewMember(model, sight)),
  };
}

function viewMember(model: string, { world, catalog, lasting, benches }: Sight): MemberView[] {
  const ref = parseModelRef(model);
  if (ref === undefined) return [];
  const reach = modelReadiness(ref, world.keys, lasting);
  const bench = benches.find((one) => one.model === model);
  return [{ model, traits: catalog.find(model) ?? UNKNOWN_TRAITS, bench, ...reach }];
}
