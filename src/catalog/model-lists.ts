import type { ModelList } from "../core/catalog/catalog.ts";
import { readCombos } from "../core/catalog/combos.ts";
import { modelListJson, readModelList } from "../core/catalog/model-list.ts";
import type { Provider } from "../core/settings/provider.ts";
import { type Answer, type CacheFolder, getJson, type Patience, within } from "./cache.ts";

/** What a provider said about its models, or why it said nothing. */
export type ProviderAnswer = { kind: "list"; list: ModelList } | { kind: "failed"; message: string };

/** Of many keys at least one of the first few works, or the fault is not theirs. */
const MAX_KEYS = 4;

/** The preset whose servers have combos. */
const OMNIROUTE = "omniroute";

/** Asks a provider for its models, with the first of the keys that it lets in, and for its combos if it has any. */
export async function askProvider(
  provider: Pick<Provider, "id" | "baseUrl" | "api">,
  secrets: readonly string[],
  signal: AbortSignal,
): Promise<ProviderAnswer> {
  const { answer, secret } = await askWithKeys(provider, secrets, signal);
  if (answer.kind === "failed") return { kind: "failed", message: answer.message };
  const models = readModelList(answer.value);
  if (models === undefined || models.length === 0) return { kind: "failed", message: "it lists no models" };
  const hasCombos = provider.id === OMNIROUTE || models.some((model) => model.isCombo);
  const combos = hasCombos ? await askCombos(provider.baseUrl, secret, signal) : [];
  return { kind: "list", list: { models, combos } };
}

async function askWithKeys(
  { baseUrl, api: dialect }: Pick<Provider, "baseUrl" | "api">,
  secrets: readonly string[],
  signal: AbortSignal,
): Promise<{ answer: Answer; secret: string | undefined }> {
  const [first, ...others] = secrets.slice(0, MAX_KEYS);
  let secret = first;
  const url = `${baseUrl}/models`;
  let answer = await getJson({ url, secret, dialect, signal });
  for (const next of others) {
    if (answer.kind !== "failed" || (answer.status !== 401 && answer.status !== 403)) break;
    secret = next;
    answer = await getJson({ url, secret, dialect, signal });
  }
  return { answer, secret };
}

/** They lie beside the API, and take a right that a key for chatting need not have: without them it goes on as well. */
async function askCombos(baseUrl: string, secret: string | undefined, signal: AbortSignal) {
  const url = `${baseUrl.replace(/\/v1$/, "")}/api/combos`;
  const answer = await getJson({ url, secret, signal });
  return answer.kind === "failed" ? [] : (readCombos(answer.value) ?? []);
}

/** Where the list of a provider comes from this time. */
export interface LoadedList {
  provider: string;
  list: ModelList | undefined;
  from: "live" | "cache" | "none";
  /** Of a list from the cache. */
  ageMs: number | undefined;
  /** Why it was not asked with success; undefined also where it was not asked, or not waited for. */
  failure: string | undefined;
  /** Settles when nothing more comes. */
  settled: Promise<unknown>;
}

export interface ListOptions {
  secrets: readonly string[];
  cache: CacheFolder;
  patience: Patience;
  nowMs: number;
  signal: AbortSignal;
}

/** A provider's list: from the cache while that is fresh, else asked for; an old one is better than none. */
export async function loadList(provider: Provider, options: ListOptions): Promise<LoadedList> {
  const { cache, patience, nowMs } = options;
  const kept = await cache.read(provider.id, provider.baseUrl);
  const list = kept === undefined ? undefined : parseKept(kept.text);
  const ageMs = kept === undefined || list === undefined ? undefined : nowMs - kept.savedMs;
  const cached = { provider: provider.id, list, from: list === undefined ? "none" : "cache", ageMs } as const;
  // A clock that was set back must not keep a list for ever.
  const isFresh = ageMs !== undefined && Math.abs(ageMs) < provider.modelCacheTtlMs;
  if (!patience.mustAsk({ isFresh, refreshOnList: provider.refreshOnList })) {
    return { ...cached, failure: undefined, settled: Promise.resolve() };
  }
  const asked = askAndKeep(provider, options);
  const waitMs = patience.waitMs(list !== undefined);
  const answer = await within(asked, waitMs);
  if (answer?.kind === "list") {
    return {
      provider: provider.id,
      list: answer.list,
      from: "live",
      ageMs: undefined,
      failure: undefined,
      settled: asked,
    };
  }
  const late = waitMs > 0 ? "it does not answer in time" : undefined;
  return { ...cached, failure: answer?.message ?? late, settled: asked };
}

async function askAndKeep(provider: Provider, { secrets, cache, signal }: ListOptions) {
  const answer = await askProvider(provider, secrets, signal);
  if (answer.kind === "list") {
    const { models, combos } = answer.list;
    const kept = {
      ...modelListJson(models),
      combos: combos.map(({ name, members }) => ({ name, models: members })),
    };
    await cache.write(provider.id, provider.baseUrl, JSON.stringify(kept));
  }
  return answer;
}

/** Undefined for what somebody has spoiled. */
function parseKept(text: string): ModelList | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const models = readModelList(value);
    return models === undefined || models.length === 0
      ? undefined
      : { models, combos: readCombos(value) ?? [] };
  } catch {
    return undefined;
  }
}
