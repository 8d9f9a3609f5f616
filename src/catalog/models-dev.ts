import { type ModelsDev, ModelsDevIndex, readModelsDev, trimModelsDev } from "../core/catalog/models-dev.ts";
import type { Settings } from "../core/settings/settings.ts";
import { type CacheFolder, type FetchPolicy, getJson, withTimeout } from "./cache.ts";

export interface ModelsDevOptions {
  settings: Settings["modelsDev"];
  cache: CacheFolder;
  policy: FetchPolicy;
  nowMs: number;
  signal: AbortSignal;
}

export interface LoadedModelsDev {
  index: ModelsDevIndex | undefined;
  failure: string | undefined;
  settled: Promise<unknown>;
}

const NAME = "models.dev";

/** Uses the cached copy and refreshes it when it is old. Undefined index: disabled, or never reached. */
export async function loadModelsDev(options: ModelsDevOptions): Promise<LoadedModelsDev> {
  const { settings, cache, policy, nowMs } = options;
  if (!settings.enabled) return { index: undefined, failure: undefined, settled: Promise.resolve() };
  const kept = await cache.read(NAME, settings.url);
  const isFresh = kept !== undefined && Math.abs(nowMs - kept.savedMs) < settings.cacheTtlMs;
  // models.dev changes daily, so a provider's `refreshOnList` does not apply.
  if (!policy.mustAsk({ isFresh, refreshOnList: false })) {
    return { index: indexOf(kept?.text, settings), failure: undefined, settled: Promise.resolve() };
  }
  const asked = askAndKeep(options);
  // Do not wait if there is a copy; an explicit refresh overrides the setting's timeout.
  const allowed = policy.waitMs(kept !== undefined);
  const isForced = policy.mustAsk({ isFresh: true, refreshOnList: false });
  const answer = await withTimeout(asked, isForced ? allowed : Math.min(allowed, settings.timeoutMs));
  const text = answer?.kind === "copy" ? answer.text : kept?.text;
  const failure = answer?.kind === "failed" ? answer.message : undefined;
  return { index: indexOf(text, settings), failure, settled: asked };
}

type Copy = { kind: "copy"; text: string } | { kind: "failed"; message: string };

async function askAndKeep({ settings, cache, signal }: ModelsDevOptions): Promise<Copy> {
  const answer = await getJson({ url: settings.url, signal });
  if (answer.kind === "failed") return { kind: "failed", message: answer.message };
  if (readModelsDev(answer.value) === undefined) return { kind: "failed", message: "it holds no models" };
  const text = JSON.stringify(trimModelsDev(answer.value));
  await cache.write(NAME, settings.url, text);
  return { kind: "copy", text };
}

function indexOf(text: string | undefined, settings: Settings["modelsDev"]): ModelsDevIndex | undefined {
  return text === undefined ? undefined : new ModelsDevIndex(() => parse(text), settings.providerAliases);
}

function parse(text: string): ModelsDev | undefined {
  try {
    return readModelsDev(JSON.parse(text));
  } catch {
    // The copy is corrupt; the next one replaces it.
    return undefined;
  }
}
