import { FETCH_POLICIES, getJson } from "../catalog/cache.ts";
import { type Combo, comboMembers, fillTraits, listProvider, readCombos } from "../core/catalog/catalog.ts";
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

/** Applies the user's metadata, and adds models that only the user knows. Later rules win, field by field. @internal */
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

/** `search` always starts at the beginning, even with a global pattern, which would remember its position. */
function covers({ match }: ModelMetadataRule, id: string): boolean {
  return typeof match === "string" ? match === id : id.search(match) >= 0;
}

function fieldsOf({ match: _, addIfMissing: __, ...fields }: ModelMetadataRule): ModelMetadata {
  // A field that is explicitly undefined changes nothing.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** @internal */
export function describeModel(entry: ModelEntry): ProviderModel {
  return { id: entry.id, name: entry.name, ...capabilitiesOf(entry) };
}

/** Leaves unknown limits out: an invented one would cut answers short. @internal */
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

/** The inverse: a model as if its provider had listed it. @internal */
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
 * The models of a provider, from the cache while it is fresh. If the provider does not answer, the previous list,
 * `defaultModels` or the built-in models are returned; rejects only for an invalid address.
 */
export async function fetchModels(config: ProviderConfig, apiKey = config.apiKey): Promise<ProviderModel[]> {
  return modelsOf(config, { apiKey, occasion: "list" });
}

/** Like `fetchModels`, but always asks the provider. */
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

/** The warning about a combo with unknown members. @internal */
export function leftOutText(combo: string, leftOut: readonly string[]): string {
  return `${combo}: nothing is known of ${leftOut.join(", ")}; what it can do is worked out without.`;
}

/** A model that stands for several others. */
export interface ComboData {
  name: string;
  /** Ids of models, or names of other combos. */
  models: string[];
}

/** OmniRoute's combos by name. Needs a permission that a chat key may lack; without it, warns and returns none. */
export async function fetchComboData(
  config: ProviderConfig,
  apiKey = config.apiKey,
): Promise<Map<string, ComboData>> {
  const combos = await loadCombos(config, apiKey.trim());
  return new Map(combos.map(({ name, members }) => [name, { name, models: [...members] }]));
}

/** The models behind a combo, with nested combos resolved. Returns any other model itself. */
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

/** Uses the cache while it is fresh, and an old copy if the combos cannot be loaded. @internal */
export async function loadCombos(config: ProviderConfig, secret: string): Promise<readonly Combo[]> {
  const { baseUrl, modelCacheTtlMs, refreshOnList } = providerIn(config);
  const cache = memoryCache(secret);
  const kept = await cache.read(CACHED_AS, baseUrl);
  const before = kept === undefined ? [] : (readCombos(JSON.parse(kept.text)) ?? []);
  const isFresh = kept !== undefined && Math.abs(Date.now() - kept.savedMs) < modelCacheTtlMs;
  if (isFresh && !refreshOnList) return before;
  const answer = await getJson({
    // Combos are outside the API's path.
    url: `${baseUrl.replace(/\/v1$/, "")}/api/combos`,
    secret: secret === "" ? undefined : secret,
    signal: AbortSignal.timeout(FETCH_POLICIES.list.limitMs),
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
 * What a model can do. The model's own metadata wins, then the provider's list, then models.dev. A combo has what all
 * its known members have in common; unknown members are reported. `modelsDev` may be the content of models.dev's
 * api.json, to avoid the request.
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
  // Lists leave out some models, for example for embeddings, but models.dev may know them.
  return capabilitiesOf(entry ?? loaded.modelsDev?.find(provider.id, id) ?? UNKNOWN_TRAITS);
}
