import type { Catalog } from "../../core/catalog/catalog.ts";
import { type ModelEntry, takesImages } from "../../core/catalog/model-entry.ts";
import { plainEntry } from "../../core/catalog/provider-models.ts";
import { CHAIN_PROVIDER, formatModelRef } from "../../core/model-ref.ts";
import { namedModels } from "../../core/routing/targets.ts";
import type { Settings } from "../../core/settings/settings.ts";
import type { Refusal, Refusals } from "./refusals.ts";

/** A model in a list of those of several providers. */
export interface ListedEntry extends ModelEntry {
  provider: string;
  /** What keys of ours were told when they asked for it. */
  refusedBy: readonly Refusal[];
}

/** The models to show of some providers: those they list, then those that chains and fallbacks name beside them. */
export function listedModels(
  catalog: Catalog,
  providers: readonly string[],
  settings: Settings,
  refusals: Refusals = new Map(),
): ListedEntry[] {
  return providers.flatMap((provider) => {
    if (provider === CHAIN_PROVIDER) return chainEntries(catalog, settings);
    const listed = catalog.modelsOf(provider);
    const ids = new Set(listed.map((entry) => entry.id));
    const named = namedModels(settings)
      .filter((ref) => ref.provider === provider)
      .map((ref) => catalog.find(formatModelRef(ref)) ?? plainEntry(ref.model, "config"))
      .filter((entry) => !ids.has(entry.id));
    return [...listed, ...named].map((entry) => ({
      provider,
      refusedBy: refusals.get(`${provider}/${entry.id}`) ?? [],
      ...entry,
    }));
  });
}

function chainEntries(catalog: Catalog, settings: Settings): ListedEntry[] {
  return Object.keys(settings.chains).flatMap((name) => {
    const entry = catalog.find(`${CHAIN_PROVIDER}/${name}`);
    return entry === undefined ? [] : [{ provider: CHAIN_PROVIDER, refusedBy: [], ...entry }];
  });
}

/**
 * A model as `--json` prints it; scripts rely on these names. What is not known is null; limits are in tokens, costs in
 * dollars for a million tokens; `source` is one of live, models.dev, config, default; a refusal without a key was
 * everyone's.
 */
export function modelJson(entry: ListedEntry) {
  const { cost } = entry;
  return {
    provider: entry.provider,
    id: entry.id,
    name: entry.name,
    context: entry.context ?? null,
    output: entry.output ?? null,
    input: entry.input ?? null,
    toolCall: entry.toolCall ?? null,
    reasoning: entry.reasoning ?? null,
    vision: takesImages(entry) ?? null,
    inputs: entry.inputs ?? null,
    outputs: entry.outputs ?? null,
    cost:
      cost === undefined
        ? null
        : {
            input: cost.input,
            output: cost.output,
            cacheRead: cost.cacheRead ?? null,
            cacheWrite: cost.cacheWrite ?? null,
          },
    source: entry.source,
    isRetired: entry.isRetired,
    replacement: entry.replacement ?? null,
    leftOut: entry.leftOut,
    refusedBy: entry.refusedBy.map(({ keyName, why }) => ({ key: keyName ?? null, why })),
  };
}
