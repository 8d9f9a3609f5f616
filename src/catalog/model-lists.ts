import type { ModelList } from "../core/catalog/catalog.ts";
import { readCombos } from "../core/catalog/catalog.ts";
import { modelListJson, readModelList } from "../core/catalog/model-list.ts";
import { finderOf } from "../core/scrub.ts";
import type { Provider } from "../core/settings/provider.ts";
import { type Answer, type CacheFolder, type FetchPolicy, getJson, withTimeout } from "./cache.ts";

export type ProviderAnswer = { kind: "list"; list: ModelList } | { kind: "failed"; message: string };

/** If none of the first few keys works, the keys are not the problem. */
const MAX_KEYS = 4;

/** The preset whose servers have combos. */
const OMNIROUTE = "omniroute";

/** Uses the first key that the provider accepts. */
export async function askProvider(
  provider: Pick<Provider, "id" | "baseUrl" | "api" | "auth">,
  secrets: readonly string[],
  signal: AbortSignal,
): Promise<ProviderAnswer> {
  const { answer, secret } = await askWithKeys(provider, secrets, signal);
  if (answer.kind === "failed") return { kind: "failed", message: answer.message };
  const finder = finderOf(secrets);
  // A name that repeats a key is no model's, and must not be kept or shown.
  const models = readModelList(answer.value)?.filter(
    ({ id, name = "" }) => !finder.isIn(id) && !finder.isIn(name),
  );
  if (models === undefined || models.length === 0) return { kind: "failed", message: "it lists no models" };
  const hasCombos = provider.id === OMNIROUTE || models.some((model) => model.isCombo);
  const combos = hasCombos ? await askCombos(provider.baseUrl, secret, signal) : [];
  return { kind: "list", list: { models, combos } };
}

async function askWithKeys(
  { baseUrl, api: dialect, auth }: Pick<Provider, "baseUrl" | "api" | "auth">,
  secrets: readonly string[],
  signal: AbortSignal,
): Promise<{ answer: Answer; secret: string | undefined }> {
  const [first, ...others] = secrets.slice(0, MAX_KEYS);
  let secret = first;
  const url = `${baseUrl}/models`;
  let answer = await getJson({ url, secret, auth, dialect, signal });
  for (const next of others) {
    if (answer.kind !== "failed" || (answer.status !== 401 && answer.status !== 403)) break;
    secret = next;
    answer = await getJson({ url, secret, auth, dialect, signal });
  }
  return { answer, secret };
}

/** Combos are outside the API and need a permission that a chat key may lack, so a failure is ignored. */
async function askCombos(baseUrl: string, secret: string | undefined, signal: AbortSignal) {
  const url = `${baseUrl.replace(/\/v1$/, "")}/api/combos`;
  const answer = await getJson({ url, secret, signal });
  return answer.kind === "failed" ? [] : (readCombos(answer.value) ?? []);
}

export interface LoadedList {
  provider: string;
  list: ModelList | undefined;
  from: "live" | "cache" | "none";
  ageMs: number | undefined;
  /** Undefined also if the provider was not asked, or not waited for. */
  failure: string | undefined;
  /** Settles when every request has ended. */
  settled: Promise<unknown>;
}

export interface ListOptions {
  secrets: readonly string[];
  cache: CacheFolder;
  policy: FetchPolicy;
  nowMs: number;
  signal: AbortSignal;
}

/** A fresh list comes from the cache; otherwise the provider is asked, and an old list is better than none. */
export async function loadList(provider: Provider, options: ListOptions): Promise<LoadedList> {
  const { cache, policy, nowMs } = options;
  const kept = await cache.read(provider.id, provider.baseUrl);
  const list = kept === undefined ? undefined : parseKept(kept.text);
  const ageMs = kept === undefined || list === undefined ? undefined : nowMs - kept.savedMs;
  const cached = { provider: provider.id, list, from: list === undefined ? "none" : "cache", ageMs } as const;
  // A clock that was set back must not keep a list forever.
  const isFresh = ageMs !== undefined && Math.abs(ageMs) < provider.modelCacheTtlMs;
  if (!policy.mustAsk({ isFresh, refreshOnList: provider.refreshOnList })) {
    return { ...cached, failure: undefined, settled: Promise.resolve() };
  }
  const asked = askAndKeep(provider, options);
  const waitMs = policy.waitMs(list !== undefined);
  const answer = await withTimeout(asked, waitMs);
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

/** Undefined if the cache entry is corrupt. */
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
