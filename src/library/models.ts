import { getJson, PATIENCE } from "../catalog/cache.ts";
import { fillTraits, listProvider } from "../core/catalog/catalog.ts";
import { type Combo, comboMembers, readCombos } from "../core/catalog/combos.ts";
import { wireModelId } from "../core/catalog/model-kinds.ts";
import {
  type ListedModel,
  type ModelEntry,
  type ModelTraits,
  takesImages,
  UNKNOWN_TRAITS,
} from "../core/catalog/model-list.ts";
import {
  type LoadOptions,
  loadProvider,
  type ModelCapabilities,
  type ModelMetadata,
  type ModelMetadataRule,
  memoryCache,
  type ProviderConfig,
  type ProviderModel,
  providerIn,
  warn,
} from "./provider.ts";

/** The models with what their user says of them, and those that only the user knows. Later rules win, field by field. @internal */
export function applyMetadata(
  models: readonly ProviderModel[],
  metadata: ProviderConfig["modelMetadata"],
  provider: string,
): ProviderModel[] {
  const rules = rulesOf(metadata).map((rule) => ({ ...rule, match: bareId(rule.match, provider) }));
  const listed = new Set(models.map((model) => model.id));
  const missing = rules.flatMap(({ match, addIfMissing }) =>
    addIfMissing === true && typeof match === "string" && !listed.has(match) ? [match] : [],
  );
  const added = [...new Set(missing)].map((id) => ({ id, name: id }));
  return [...models, ...added].map((model) => {
    const fitting = rules.filter((rule) => covers(rule, model.id));
    return Object.assign({ ...model }, ...fitting.map(fieldsOf));
  });
}

function rulesOf(metadata: ProviderConfig["modelMetadata"]): readonly ModelMetadataRule[] {
  if (metadata === undefined || Array.isArray(metadata)) return metadata ?? [];
  return Object.entries(metadata).map(([match, rule]) => ({ ...rule, match }));
}

/** Users write `omniroute/auto` as well as `auto`. */
function bareId(match: string | RegExp, provider: string): string | RegExp {
  return typeof match === "string" && match.startsWith(`${provider}/`)
    ? match.slice(provider.length + 1)
    : match;
}

/** `search` starts at the beginning each time, also with a pattern that is global and would remember where it was. */
function covers({ match }: ModelMetadataRule, id: string): boolean {
  return typeof match === "string" ? match === id : id.search(match) >= 0;
}

function fieldsOf({ match: _, addIfMissing: __, ...fields }: ModelMetadataRule): ModelMetadata {
  // A field that is written as undefined says nothing.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** A model of the catalogue in the library's words. @internal */
export function describeModel(entry: ModelEntry): ProviderModel {
  return { id: entry.id, name: entry.name, ...capabilitiesOf(entry) };
}

/** Only what is known: a limit that is made up would cut answers short. @internal */
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

/** The other way round: a model as if its provider had listed it so. @internal */
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

/**
 * The models of a provider, from the cache while that is fresh. Where the provider does not answer it is the list from
 * before, else `defaultModels`, else built-in ones: it rejects only for an address that is none.
 */
export async function fetchModels(config: ProviderConfig, apiKey = config.apiKey): Promise<ProviderModel[]> {
  return modelsOf(config, { apiKey, occasion: "list" });
}

/** The same, but the provider is asked whatever is in the cache. */
export async function refreshModels(
  config: ProviderConfig,
  apiKey = config.apiKey,
): Promise<ProviderModel[]> {
  return modelsOf(config, { apiKey, occasion: "refresh" });
}

async function modelsOf(config: ProviderConfig, options: LoadOptions): Promise<ProviderModel[]> {
  const { provider, list, modelsDev } = await loadProvider(config, options);
  if (list === undefined && config.defaultModels !== undefined) {
    return applyMetadata(config.defaultModels, config.modelMetadata, provider.id);
  }
  const entries = listProvider(provider, { settings: { models: [] }, modelsDev, list });
  for (const { id, leftOut } of entries) if (leftOut.length > 0) warn(config, leftOutText(id, leftOut));
  const offered = entries.filter((entry) => !entry.isRetired).map(describeModel);
  return applyMetadata(offered, config.modelMetadata, provider.id);
}

/** What is said of a combo some of whose members are unknown. @internal */
export function leftOutText(combo: string, leftOut: readonly string[]): string {
  return `${combo}: nothing is known of ${leftOut.join(", ")}; what it can do is worked out without.`;
}

/** A model that stands for several others. */
export interface ComboData {
  name: string;
  /** Ids of models, or names of other combos. */
  models: string[];
}

/**
 * OmniRoute's combos by name. It takes a right that a key for chatting need not have: without it there are none, which
 * is told, and nothing else fails.
 */
export async function fetchComboData(
  config: ProviderConfig,
  apiKey = config.apiKey,
): Promise<Map<string, ComboData>> {
  const combos = await loadCombos(config, apiKey.trim());
  return new Map(combos.map(({ name, members }) => [name, { name, models: [...members] }]));
}

/** The models behind a combo, with the combos among them opened up. Of any other model, itself. */
export async function resolveUnderlyingModels(
  modelId: string,
  config: ProviderConfig,
  apiKey = config.apiKey,
): Promise<string[]> {
  const combos = await loadCombos(config, apiKey.trim());
  const members = comboMembers(modelId, combos);
  return members.length === 0 && !combos.some(({ name }) => name === modelId) ? [modelId] : members;
}

const CACHED_AS = "combos";

/** The combos, from the cache while that is fresh; what was there before where they cannot be had. @internal */
export async function loadCombos(config: ProviderConfig, secret: string): Promise<readonly Combo[]> {
  const { baseUrl, modelCacheTtlMs, refreshOnList } = providerIn(config);
  const cache = memoryCache(secret);
  const kept = await cache.read(CACHED_AS, baseUrl);
  const before = kept === undefined ? [] : (readCombos(JSON.parse(kept.text)) ?? []);
  const isFresh = kept !== undefined && Math.abs(Date.now() - kept.savedMs) < modelCacheTtlMs;
  if (isFresh && !refreshOnList) return before;
  const answer = await getJson({
    // They lie beside the API.
    url: `${baseUrl.replace(/\/v1$/, "")}/api/combos`,
    secret: secret === "" ? undefined : secret,
    signal: AbortSignal.timeout(PATIENCE.list.limitMs),
  });
  const combos = answer.kind === "json" ? readCombos(answer.value) : undefined;
  if (combos === undefined) {
    const why = answer.kind === "failed" ? answer.message : "its answer is no list";
    warn(config, `${baseUrl} cannot be asked for its combos: ${why}.`);
    return before;
  }
  const text = JSON.stringify(combos.map(({ name, members }) => ({ name, models: members })));
  await cache.write(CACHED_AS, baseUrl, text);
  return combos;
}

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
