import { isObject } from "../json.ts";
import { looseFields, type ModelCost, type ModelTraits } from "./model-list.ts";

/** Suffixes of model names that do not mean another model: dates, channels, weight formats. */
const TRIMMINGS = [
  /-20\d{2}-\d{2}-\d{2}$/,
  /-20\d{6}$/,
  /-preview-\d{2}-\d{2}$/,
  /-(?:preview|latest|stable|free|cloud|maas|tee)$/,
  /-(?:fp8|fp4|nvfp4|mxfp4|bf16|fp16|awq|gptq|int4|int8|gguf|mlx)$/,
];

/** Reasoning effort, which gateways append to names; in other families these words are part of a model's name. */
const EFFORT = /^((?:o\d|(?:gpt|gemini|claude).*\d).*)-(?:minimal|low|medium|high|xhigh|thinking)$/;

/**
 * A canonical form of a model's name: `GPT-OSS:120b` and `gpt-oss-120b-fp8` are the same. Version numbers stay: without
 * them glm-5.1 would match glm-5.2, and deepseek-v3 deepseek-v4.
 */
export function modelNameKey(name: string): string {
  let key = name.toLowerCase().replaceAll(/[_:@. ]/g, "-");
  for (let before = ""; before !== key; ) {
    before = key;
    for (const trimming of TRIMMINGS) key = key.replace(trimming, "");
  }
  return key;
}

/** The key without its effort; undefined if it has none. */
export function withoutEffort(key: string): string | undefined {
  return EFFORT.exec(key)?.[1];
}

/** `cx/openai/gpt-5` and the parts after each slash, longest first. */
export function nameTails(id: string): string[] {
  const parts = id.split("/");
  return parts.map((_, from) => parts.slice(from).join("/")).filter((tail) => tail !== "");
}

/** Prefixes that gateways and hosts put before a model, and the provider's name in models.dev. */
const ALIASES: Readonly<Record<string, string>> = {
  oai: "openai",
  cx: "openai",
  codex: "openai",
  claude: "anthropic",
  cc: "anthropic",
  gemini: "google",
  "gemini-cli": "google",
  gc: "google",
  gh: "github-copilot",
  github: "github-copilot",
  kmc: "kimi-for-coding",
  "kimi-coding": "kimi-for-coding",
  ollama: "ollama-cloud",
  nim: "nvidia",
  together: "togetherai",
  fireworks: "fireworks-ai",
  or: "openrouter",
  "z-ai": "zai",
  "zai-org": "zai",
  glm: "zai",
  "deepseek-ai": "deepseek",
  mistralai: "mistral",
  minimaxai: "minimax",
  "x-ai": "xai",
  qwen: "alibaba",
  moonshot: "moonshotai",
  "meta-llama": "llama",
};

/** The models.dev provider of a prefix; the user's own aliases win. */
export function aliasedProvider(prefix: string, own: Readonly<Record<string, string>>): string {
  const word = prefix.toLowerCase();
  if (Object.hasOwn(own, prefix)) return own[prefix] ?? word;
  if (Object.hasOwn(own, word)) return own[word] ?? word;
  return Object.hasOwn(ALIASES, word) ? (ALIASES[word] ?? word) : word;
}

type ByName = Map<string, KnownModel[]>;

/**
 * Finds a model under any spelling. No result is better than a wrong one: the wrong window breaks a conversation. Keeps
 * the tables it builds for later searches.
 */
export class ModelsDevIndex {
  readonly #read: () => ModelsDev | undefined;
  readonly #aliases: Readonly<Record<string, string>>;
  #models: ModelsDev | undefined;
  readonly #keysOf = new Map<string, ByName>();
  #everywhere: { byName: ByName; byKey: ByName } | undefined;

  /** `read` is called at the first search: many runs never need one. */
  constructor(read: () => ModelsDev | undefined, aliases: Readonly<Record<string, string>> = {}) {
    this.#read = read;
    this.#aliases = aliases;
  }

  get #modelsDev(): ModelsDev {
    this.#models ??= this.#read() ?? new Map();
    return this.#models;
  }

  modelsOf(provider: string): KnownModel[] {
    return [...(this.#modelsDev.get(aliasedProvider(provider, this.#aliases))?.values() ?? [])];
  }

  /**
   * Searches by the provider, then by the provider that the id names before its first slash, then by the name alone.
   * Prices of other hosts are dropped.
   */
  find(provider: string, id: string): KnownModel | undefined {
    const own = this.#findAt(aliasedProvider(provider, this.#aliases), id);
    if (own !== undefined) return own;
    const slash = id.indexOf("/");
    const named =
      slash <= 0
        ? undefined
        : this.#findAt(aliasedProvider(id.slice(0, slash), this.#aliases), id.slice(slash + 1));
    if (named !== undefined) return named;
    const alike = this.#findAnywhere(id);
    return alike === undefined ? undefined : { ...alike, cost: undefined };
  }

  #findAt(provider: string, id: string): KnownModel | undefined {
    const models = this.#modelsDev.get(provider);
    if (models === undefined) return undefined;
    const tails = nameTails(id);
    for (const tail of tails) {
      const exact = models.get(tail);
      if (exact !== undefined) return exact;
    }
    let keys = this.#keysOf.get(provider);
    if (keys === undefined) {
      keys = grouped(models.values(), (model) => modelNameKey(model.id));
      this.#keysOf.set(provider, keys);
    }
    return findByKey(keys, tails);
  }

  #findAnywhere(id: string): KnownModel | undefined {
    const name = id.slice(id.lastIndexOf("/") + 1);
    // `auto`, `fast`, `coding`: these mean something else at every gateway.
    if (!/\d/.test(name)) return undefined;
    this.#everywhere ??= indexOfAll(this.#modelsDev);
    const { byName, byKey } = this.#everywhere;
    return usual(byName.get(name.toLowerCase())) ?? findByKey(byKey, [name]);
  }
}

function indexOfAll(modelsDev: ModelsDev): { byName: ByName; byKey: ByName } {
  const all = [...modelsDev.values()].flatMap((models) => [...models.values()]);
  const lastPart = (model: KnownModel) => model.id.slice(model.id.lastIndexOf("/") + 1);
  return {
    byName: grouped(all, (model) => lastPart(model).toLowerCase()),
    byKey: grouped(all, (model) => modelNameKey(lastPart(model))),
  };
}

function findByKey(keys: ByName, names: readonly string[]): KnownModel | undefined {
  const wanted = names.map(modelNameKey);
  const calmer = wanted.flatMap((key) => withoutEffort(key) ?? []).map(modelNameKey);
  for (const key of [...wanted, ...calmer]) {
    const found = usual(keys.get(key));
    if (found !== undefined) return found;
  }
  return undefined;
}

function grouped(models: Iterable<KnownModel>, keyOf: (model: KnownModel) => string): ByName {
  const groups: ByName = new Map();
  for (const model of models) {
    const key = keyOf(model);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [model]);
    else group.push(model);
  }
  return groups;
}

/** Hosts of one model differ in its limits: take the most common, and the smaller one of equally common. */
function usual(models: readonly KnownModel[] | undefined): KnownModel | undefined {
  if (models === undefined || models.length < 2) return models?.[0];
  const withContext = commonest(models, (model) => model.context);
  const [chosen] = commonest(withContext, (model) => model.output);
  // A model that can call tools can do so anywhere; one host's omission must not take them away.
  return chosen === undefined || !models.some((model) => model.toolCall === true)
    ? chosen
    : { ...chosen, toolCall: true };
}

function commonest(
  models: readonly KnownModel[],
  limitOf: (model: KnownModel) => number | undefined,
): KnownModel[] {
  const groups = Map.groupBy(models, limitOf);
  const ranked = [...groups].sort(
    ([a, first], [b, second]) => second.length - first.length || (a ?? Infinity) - (b ?? Infinity),
  );
  return ranked[0]?.[1] ?? [];
}

export interface KnownModel extends ModelTraits {
  id: string;
  name: string;
}

export type ModelsDev = ReadonlyMap<string, ReadonlyMap<string, KnownModel>>;

/**
 * Undefined if it is not models.dev's `api.json`. Leaves out deprecated models, and those without a window, which make
 * pictures or embeddings.
 */
export function readModelsDev(value: unknown): ModelsDev | undefined {
  if (!isObject(value)) return undefined;
  const providers = new Map<string, ReadonlyMap<string, KnownModel>>();
  for (const [provider, entry] of Object.entries(value)) {
    const models = isObject(entry) ? entry["models"] : undefined;
    if (!isObject(models)) continue;
    const known = Object.entries(models).flatMap(([id, model]) => readKnown(id, model) ?? []);
    if (known.length > 0) providers.set(provider, new Map(known.map((model) => [model.id, model])));
  }
  return providers.size === 0 ? undefined : providers;
}

/** Keeps only what we use: less than half the size on disk and to parse. */
export function trimModelsDev(value: unknown): object {
  if (!isObject(value)) return {};
  const providers = Object.entries(value).flatMap(([provider, entry]) => {
    const models = isObject(entry) ? entry["models"] : undefined;
    if (!isObject(models)) return [];
    const kept = Object.entries(models).flatMap(([id, model]) =>
      isObject(model) && isUseful(model) ? [[id, trimModel(model)]] : [],
    );
    return [[provider, { models: Object.fromEntries(kept) }]];
  });
  return Object.fromEntries(providers);
}

const KEPT = ["name", "limit", "tool_call", "reasoning", "modalities", "cost"];

function trimModel(model: Record<string, unknown>): object {
  return Object.fromEntries(KEPT.flatMap((field) => (field in model ? [[field, model[field]]] : [])));
}

function isUseful(model: Record<string, unknown>): boolean {
  const { status, limit } = model;
  return status !== "deprecated" && !(isObject(limit) && limit["context"] === 0);
}

function readKnown(id: string, model: unknown): KnownModel | undefined {
  if (!isObject(model) || !isUseful(model)) return undefined;
  const fields = looseFields(model);
  return {
    id,
    name: fields.text("name") ?? id,
    context: fields.count("limit.context"),
    output: fields.count("limit.output"),
    input: fields.count("limit.input"),
    toolCall: fields.flag("tool_call"),
    reasoning: fields.flag("reasoning"),
    inputs: fields.modalities("modalities.input"),
    outputs: fields.modalities("modalities.output"),
    cost: readCost(model),
  };
}

function readCost(model: Record<string, unknown>): ModelCost | undefined {
  const { amount } = looseFields(model["cost"]);
  const input = amount("input");
  const output = amount("output");
  if (input === undefined || output === undefined) return undefined;
  return { input, output, cacheRead: amount("cache_read"), cacheWrite: amount("cache_write") };
}
