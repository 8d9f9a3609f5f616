import { readCombos } from "../core/catalog/combos.ts";
import { modelListJson } from "../core/catalog/model-list-json.ts";
import type { ModelList } from "../core/catalog/provider-models.ts";
import { readModelList } from "../core/catalog/read-model-list.ts";
import type { Provider } from "../core/settings/provider.ts";
import { askProvider } from "./ask-provider.ts";
import type { CacheFolder } from "./cache-folder.ts";
import type { Patience } from "./patience.ts";
import { within } from "./within.ts";

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
