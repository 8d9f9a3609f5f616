/** Reads JSON of unknown shape. A field may have several names; the first that fits counts. */
export interface LooseFields {
  /** Text without control characters, which could affect a terminal. */
  text: (...names: string[]) => string | undefined;
  /** A number of tokens: whole and above 0. */
  count: (...names: string[]) => number | undefined;
  /** A number from 0 up, also if written as text. */
  amount: (...names: string[]) => number | undefined;
  flag: (...names: string[]) => boolean | undefined;
  texts: (...names: string[]) => string[] | undefined;
  modalities: (...names: string[]) => Modality[] | undefined;
}

const MAX_CHARS = 256;
/** A larger window is a mistake, or means "no limit". */
const MAX_TOKENS = 100_000_000;

const MODALITIES: Readonly<Record<string, Modality>> = {
  text: "text",
  image: "image",
  audio: "audio",
  video: "video",
  pdf: "pdf",
  // OpenRouter's word.
  file: "pdf",
};

/** Accepts nested names: `limit.context`. */
export function looseFields(value: unknown): LooseFields {
  const first = <T>(names: readonly string[], read: (found: unknown) => T | undefined): T | undefined => {
    for (const name of names) {
      const found = read(at(value, name));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    text: (...names) => first(names, readText),
    count: (...names) => first(names, readCount),
    amount: (...names) => first(names, readAmount),
    flag: (...names) => first(names, (found) => (typeof found === "boolean" ? found : undefined)),
    texts: (...names) => first(names, readTexts),
    modalities: (...names) => first(names, readModalities),
  };
}

function at(value: unknown, path: string): unknown {
  let current = value;
  for (const name of path.split(".")) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, name)) return undefined;
    current = (current as Record<string, unknown>)[name];
  }
  return current;
}

function readText(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const text = value.replaceAll(/\p{Cc}/gu, "").trim();
  return text === "" || text.length > MAX_CHARS ? undefined : text;
}

function readCount(value: unknown): number | undefined {
  const amount = readAmount(value);
  if (amount === undefined || amount < 1 || amount > MAX_TOKENS) return undefined;
  return Math.floor(amount);
}

function readAmount(value: unknown): number | undefined {
  const amount = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof amount === "number" && Number.isFinite(amount) && amount >= 0 ? amount : undefined;
}

function readTexts(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.flatMap((one) => readText(one) ?? []) : undefined;
}

function readModalities(value: unknown): Modality[] | undefined {
  const known = readTexts(value)?.flatMap((word) => MODALITIES[word.toLowerCase()] ?? []) ?? [];
  return known.length === 0 ? undefined : [...new Set(known)];
}

export interface ListedModel extends ModelTraits {
  id: string;
  name: string | undefined;
  /** A model that stands for several others, as in OmniRoute. */
  isCombo: boolean;
}

/** No provider has more; further entries are ignored. */
const MAX_MODELS = 5000;

/** Values of `type` that mean a model without chat. */
const OTHER_TYPES = new Set(
  "embedding embeddings image audio moderation rerank video transcribe tts".split(" "),
);

/**
 * Accepts every known shape: `{data}`, `{models}`, a bare list, a table by id, entries that are only names. Undefined
 * if it is not a list.
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

/** Some providers mark models without chat. */
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
    // Absence means no only in lists that are known to be complete: OpenRouter's and Ollama's.
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
  // OpenRouter's prices are per token.
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
  // Without rounding, 0.00000015 per token would become 0.15000000000000002.
  return amount === undefined ? undefined : Number((amount * factor).toPrecision(12));
}

/** JSON for the cache that `readModelList` can read again; contains only fields we understand. */
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

export type ModelSource = "live" | "models.dev" | "config" | "default";

/** US dollars per million tokens. */
export interface ModelCost {
  input: number;
  output: number;
  cacheRead: number | undefined;
  cacheWrite: number | undefined;
}

/** Content types of a message, in opencode's words. */
export type Modality = "text" | "image" | "audio" | "video" | "pdf";

/** Undefined means unknown, not no. */
export interface ModelTraits {
  /** In tokens. */
  context: number | undefined;
  /** The longest answer, in tokens. */
  output: number | undefined;
  /** The longest prompt, if it is less than the window. */
  input: number | undefined;
  toolCall: boolean | undefined;
  reasoning: boolean | undefined;
  inputs: readonly Modality[] | undefined;
  outputs: readonly Modality[] | undefined;
  cost: ModelCost | undefined;
}

export interface ModelEntry extends ModelTraits {
  /** The id on the wire, without the provider. */
  id: string;
  name: string;
  source: ModelSource;
  /** The provider is known to have removed it and does not list it now. */
  isRetired: boolean;
  /** The id of the replacement that the provider recommends. */
  replacement: string | undefined;
  /** Members of a chain or combo without known traits: the traits are those of the others. */
  leftOut: readonly string[];
}

/** The traits of a model that nothing is known about. */
export const UNKNOWN_TRAITS: ModelTraits = {
  context: undefined,
  output: undefined,
  input: undefined,
  toolCall: undefined,
  reasoning: undefined,
  inputs: undefined,
  outputs: undefined,
  cost: undefined,
};

export function takesImages(traits: Pick<ModelTraits, "inputs">): boolean | undefined {
  return traits.inputs?.includes("image");
}

/** Whether enough is known of a model to use its limits. */
export function isResolved(traits: ModelTraits): boolean {
  return traits.context !== undefined || traits.toolCall !== undefined;
}
