import { type ModelEntry, type ModelTraits, takesImages } from "../core/catalog/model-entry.ts";
import type { ListedModel } from "../core/catalog/read-model-list.ts";
import type { ModelCapabilities, ProviderModel } from "./provider-config.ts";

/** A model of the catalogue in the library's words. */
export function describeModel(entry: ModelEntry): ProviderModel {
  return { id: entry.id, name: entry.name, ...capabilitiesOf(entry) };
}

/** Only what is known: a limit that is made up would cut answers short. */
export function capabilitiesOf(traits: ModelTraits): ModelCapabilities {
  const { context, output, toolCall, reasoning, cost } = traits;
  const seesImages = takesImages(traits);
  return {
    ...(context === undefined ? {} : { contextWindow: context }),
    ...(output === undefined ? {} : { maxTokens: output }),
    ...(seesImages === undefined ? {} : { supportsVision: seesImages }),
    ...(toolCall === undefined ? {} : { supportsTools: toolCall }),
    ...(reasoning === undefined ? {} : { supportsReasoning: reasoning }),
    ...(cost === undefined ? {} : { pricing: { input: cost.input, output: cost.output } }),
  };
}

/** The other way round: a model as if its provider had listed it so. */
export function asListed(model: Pick<ProviderModel, "id"> & Partial<ProviderModel>): ListedModel {
  const { supportsVision, pricing } = model;
  return {
    id: model.id,
    name: model.name,
    isCombo: false,
    context: model.contextWindow,
    output: model.maxTokens,
    input: undefined,
    toolCall: model.supportsTools,
    reasoning: model.supportsReasoning,
    inputs: supportsVision === undefined ? undefined : supportsVision ? ["text", "image"] : ["text"],
    outputs: undefined,
    cost:
      pricing?.input === undefined || pricing.output === undefined
        ? undefined
        : { input: pricing.input, output: pricing.output, cacheRead: undefined, cacheWrite: undefined },
  };
}
