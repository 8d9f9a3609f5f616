import { CHAIN_PROVIDER, parseModelRef } from "../model-ref.ts";
import { chainNamed, expandModels } from "../settings/chains.ts";
import type { Provider } from "../settings/provider.ts";
import { providerOf, type Settings } from "../settings/settings.ts";
import { commonOf } from "./common-of.ts";
import { type ModelEntry, type ModelTraits, UNKNOWN_TRAITS } from "./model-entry.ts";
import type { ModelsDevIndex } from "./models-dev-index.ts";
import { isOverridden, withOverrides } from "./overrides.ts";
import { listProvider, type ModelList, plainEntry } from "./provider-models.ts";
import { retirementOf } from "./retired-models.ts";
import { wireModelId } from "./wire-model-id.ts";

/** What is known of the models of all providers. */
export interface Catalog {
  /** The models that a provider offers, or is thought to while it cannot be asked. */
  modelsOf: (provider: string) => readonly ModelEntry[];
  /** A model or a chain as users write it; also one that is in no list. Undefined where nothing is known of it. */
  find: (ref: string) => ModelEntry | undefined;
  /** Its window in tokens; that of a chain is the smallest known one of its models. */
  windowOf: (ref: string) => number | undefined;
  /** Whether models.dev has a model under this very provider. */
  isPublic: (provider: string, model: string) => boolean;
}

/** What a catalogue is made of. */
export interface CatalogParts {
  settings: Settings;
  /** What the providers said, now or when they were last asked. */
  lists: ReadonlyMap<string, ModelList>;
  modelsDev: ModelsDevIndex | undefined;
}

/** Joins the providers' lists, models.dev and the user's own words. What nobody asks for is not worked out. */
export function createCatalog({ settings, lists, modelsDev }: CatalogParts): Catalog {
  const known = new Map<string, Map<string, ModelEntry>>();

  const modelsOf = (id: string): Map<string, ModelEntry> => {
    let models = known.get(id);
    if (models === undefined) {
      const provider = providerOf(settings, id);
      const entries =
        provider === undefined ? [] : listProvider(provider, { settings, modelsDev, list: lists.get(id) });
      models = new Map(entries.map((entry) => [entry.id, entry]));
      known.set(id, models);
    }
    return models;
  };

  const find = (ref: string): ModelEntry | undefined => {
    const chain = chainNamed(ref);
    if (chain !== undefined) return findChain(chain);
    const parsed = parseModelRef(ref);
    const provider = parsed === undefined ? undefined : providerOf(settings, parsed.provider);
    if (parsed === undefined || provider === undefined) return undefined;
    const model = wireModelId(parsed.model, provider.baseUrl);
    return modelsOf(provider.id).get(model) ?? unlisted(provider, model, { settings, modelsDev });
  };

  const findChain = (name: string): ModelEntry | undefined => {
    if (!Object.hasOwn(settings.chains, name)) return undefined;
    const { traits, leftOut } = commonOf(expandModels([name], settings.chains), find);
    const entry = { ...plainEntry(name, "config"), ...traits, name: `${name} (chain)`, leftOut };
    return withOverrides(`${CHAIN_PROVIDER}/${name}`, entry, settings.models);
  };

  return {
    modelsOf: (provider) => [...modelsOf(provider).values()],
    find,
    windowOf: (ref) => find(ref)?.context,
    isPublic: (provider, model) => modelsDev?.modelsOf(provider).some(({ id }) => id === model) === true,
  };
}

/** A model that its provider does not list: still served by some, and named in chains. */
function unlisted(
  provider: Provider,
  model: string,
  { settings, modelsDev }: Pick<CatalogParts, "settings" | "modelsDev">,
): ModelEntry | undefined {
  const ref = `${provider.id}/${model}`;
  const found = modelsDev?.find(provider.id, model);
  const retirement = retirementOf(provider.id, model);
  if (found === undefined && retirement === undefined && !isOverridden(ref, settings.models))
    return undefined;
  const traits: ModelTraits = found ?? UNKNOWN_TRAITS;
  const entry = plainEntry(model, found === undefined ? "config" : "models.dev");
  return withOverrides(
    ref,
    {
      ...entry,
      ...traits,
      id: model,
      name: found?.name ?? model,
      isRetired: retirement !== undefined,
      replacement: retirement?.replacement,
    },
    settings.models,
  );
}
