import { fillTraits } from "../core/catalog/fill-traits.ts";
import { UNKNOWN_TRAITS } from "../core/catalog/model-entry.ts";
import { listProvider } from "../core/catalog/provider-models.ts";
import { wireModelId } from "../core/catalog/wire-model-id.ts";
import { asListed, capabilitiesOf } from "./describe-model.ts";
import { loadCombos } from "./fetch-combo-data.ts";
import { leftOutText } from "./fetch-models.ts";
import { loadProvider, warn } from "./load-provider.ts";
import type { ModelCapabilities, ProviderConfig, ProviderModel } from "./provider-config.ts";

/**
 * What a model can do. What it says itself counts; the rest comes from the provider's list and models.dev. Of a combo it
 * is the least that its members have in common; members of which nothing is known are left out, and told.
 *
 * `modelsDev` may be the content of models.dev's api.json, for one who has it already or has no net.
 */
export async function calculateModelCapabilities(
  model: string | (Pick<ProviderModel, "id"> & Partial<ProviderModel>),
  config: ProviderConfig,
  modelsDev?: unknown,
): Promise<ModelCapabilities> {
  const loaded = await loadProvider(config, { apiKey: config.apiKey, occasion: "list", modelsDev });
  const { provider } = loaded;
  const list = loaded.list ?? { models: [], combos: await loadCombos(config, config.apiKey.trim()) };
  const listed = asListed(typeof model === "string" ? { id: model } : model);
  const own = list.models.find((one) => one.id === listed.id);
  const others = list.models.filter((one) => one !== own);
  const entries = listProvider(provider, {
    settings: { models: [] },
    modelsDev: loaded.modelsDev,
    list: {
      models: [...others, { ...listed, ...fillTraits(listed, own), isCombo: own?.isCombo === true }],
      combos: list.combos,
    },
  });
  const id = wireModelId(listed.id, provider.baseUrl);
  const entry = entries.find((one) => one.id === id);
  if (entry !== undefined && entry.leftOut.length > 0) warn(config, leftOutText(id, entry.leftOut));
  // A model that no list would show, such as one for embeddings, may still be known.
  return capabilitiesOf(entry ?? loaded.modelsDev?.find(provider.id, id) ?? UNKNOWN_TRAITS);
}
