import { getJson } from "../catalog/get-json.ts";
import { PATIENCE } from "../catalog/patience.ts";
import { type Combo, comboMembers, readCombos } from "../core/catalog/combos.ts";
import { providerIn, warn } from "./load-provider.ts";
import { memoryCache } from "./memory-cache.ts";
import type { ProviderConfig } from "./provider-config.ts";

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

/** The combos, from the cache while that is fresh; what was there before where they cannot be had. */
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
