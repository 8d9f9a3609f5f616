import { type LooseFields, looseFields } from "./loose-fields.ts";
import type { Modality, ModelCost, ModelTraits } from "./model-entry.ts";

/** A model as its provider's own list has it. */
export interface ListedModel extends ModelTraits {
  id: string;
  name: string | undefined;
  /** A model of models, as OmniRoute has them. */
  isCombo: boolean;
}

/** No provider has more; what comes behind them is not looked at. */
const MAX_MODELS = 5000;

/** Words for what is no chat model, where a list has a `type`. */
const OTHER_TYPES = new Set(
  "embedding embeddings image audio moderation rerank video transcribe tts".split(" "),
);

/**
 * Reads the answer to `GET /v1/models`, whatever its shape: `{data}`, `{models}`, a bare list, a table by id, entries
 * that are only names. Undefined for what is no list at all.
 */
export function readModelList(value: unknown): ListedModel[] | undefined {
  const entries = entriesOf(value);
  return entries?.slice(0, MAX_MODELS).flatMap((entry) => readModel(entry) ?? []);
}

function entriesOf(value: unknown): unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value !== "object" || value === null) return undefined;
  const { data, models } = value as Record<string, unknown>;
  const list = data ?? models;
  if (Array.isArray(list)) return list;
  if (typeof list !== "object" || list === null) return undefined;
  if ("data" in list || "models" in list) return entriesOf(list);
  return Object.entries(list).map(([id, entry]) => ({ id, ...(typeof entry === "object" ? entry : {}) }));
}

function readModel(entry: unknown): ListedModel | undefined {
  const fields = looseFields(typeof entry === "string" ? { id: entry } : entry);
  const id = fields.text("id", "modelId", "model_id", "model", "name");
  if (id === undefined) return undefined;
  if (isOther(fields)) return undefined;
  return {
    id,
    name: fields.text("displayName", "display_name", "name"),
    isCombo: fields.text("owned_by") === "combo" || fields.flag("isCombo") === true,
    ...limitsOf(fields),
    ...abilitiesOf(fields),
    cost: costOf(fields),
  };
}

/** Some providers say themselves that one cannot chat with a model. */
function isOther(fields: LooseFields): boolean {
  const type = fields.text("type")?.toLowerCase();
  return (
    (type !== undefined && OTHER_TYPES.has(type)) || fields.flag("capabilities.completion_chat") === false
  );
}

function limitsOf(fields: LooseFields): Pick<ModelTraits, "context" | "output" | "input"> {
  return {
    context: fields.count(
      "context_length",
      "contextLength",
      "context_window",
      "contextWindow",
      "max_context_length",
      "max_model_len",
      "limit.context",
    ),
    output: fields.count(
      "max_output_tokens",
      "maxOutputTokens",
      "max_completion_tokens",
      "max_output_length",
      "top_provider.max_completion_tokens",
      "maxTokens",
      "limit.output",
    ),
    input: fields.count("max_input_tokens", "maxInputTokens", "limit.input"),
  };
}

function abilitiesOf(
  fields: LooseFields,
): Pick<ModelTraits, "toolCall" | "reasoning" | "inputs" | "outputs"> {
  const words = fields.texts("capabilities");
  const parameters = fields.texts("supported_parameters");
  const can = (...names: string[]): boolean | undefined => {
    if (names.some((name) => words?.includes(name) === true || parameters?.includes(name) === true))
      return true;
    // Only lists whose words are known to be complete say no by their silence: OpenRouter's and Ollama's.
    return parameters !== undefined || words?.includes("completion") === true ? false : undefined;
  };
  return {
    toolCall:
      fields.flag("capabilities.tool_calling", "capabilities.tools", "capabilities.function_calling") ??
      fields.flag("tool_call", "supports_tools", "supportsTools") ??
      can("tools", "tool_calling", "function_calling"),
    reasoning:
      fields.flag("capabilities.reasoning", "capabilities.thinking", "reasoning") ??
      can("reasoning", "thinking"),
    inputs: inputsOf(fields, words),
    outputs: fields.modalities("output_modalities", "architecture.output_modalities", "modalities.output"),
  };
}

function inputsOf(fields: LooseFields, words: string[] | undefined): Modality[] | undefined {
  const listed = fields.modalities("input_modalities", "architecture.input_modalities", "modalities.input");
  if (listed !== undefined) return listed;
  const ollamaSays = words?.includes("completion") === true ? words.includes("vision") : undefined;
  const seesImages =
    fields.flag("capabilities.vision", "supports_vision", "supportsVision") ??
    (words?.includes("vision") === true ? true : ollamaSays);
  if (seesImages === undefined) return undefined;
  return seesImages ? ["text", "image"] : ["text"];
}

const MILLION = 1_000_000;

function costOf(fields: LooseFields): ModelCost | undefined {
  // OpenRouter's prices are for one token.
  const perToken = (name: string) => times(fields.amount(`pricing.${name}`), MILLION);
  const input = perToken("prompt") ?? fields.amount("pricing.input", "cost.input");
  const output = perToken("completion") ?? fields.amount("pricing.output", "cost.output");
  if (input === undefined || output === undefined) return undefined;
  return {
    input,
    output,
    cacheRead: perToken("input_cache_read") ?? fields.amount("cost.cache_read"),
    cacheWrite: perToken("input_cache_write") ?? fields.amount("cost.cache_write"),
  };
}

function times(amount: number | undefined, factor: number): number | undefined {
  // Without the rounding 0.00000015 a token would come out as 0.15000000000000002.
  return amount === undefined ? undefined : Number((amount * factor).toPrecision(12));
}
