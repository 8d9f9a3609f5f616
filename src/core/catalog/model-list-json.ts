import type { ListedModel } from "./read-model-list.ts";

/** A list of models as JSON that `readModelList` reads back: only what we know the meaning of, for the cache. */
export function modelListJson(models: readonly ListedModel[]): { data: object[] } {
  return { data: models.map(modelJson) };
}

function modelJson(model: ListedModel): object {
  // JSON leaves out what is undefined.
  return {
    id: model.id,
    display_name: model.name,
    ...(model.isCombo ? { owned_by: "combo" } : {}),
    context_length: model.context,
    max_output_tokens: model.output,
    max_input_tokens: model.input,
    tool_call: model.toolCall,
    reasoning: model.reasoning,
    input_modalities: model.inputs,
    output_modalities: model.outputs,
    cost:
      model.cost === undefined
        ? undefined
        : {
            input: model.cost.input,
            output: model.cost.output,
            cache_read: model.cost.cacheRead,
            cache_write: model.cost.cacheWrite,
          },
  };
}
