import { type ModelsDev, ModelsDevIndex, readModelsDev, trimModelsDev } from "../core/catalog/models-dev.ts";
import type { Settings } from "../core/settings/settings.ts";
import { type CacheFolder, getJson, type Patience, within } from "./cache.ts";

export interface ModelsDevOptions {
  settings: Settings["modelsDev"];
  cache: CacheFolder;
  patience: Patience;
  nowMs: number;
  signal: AbortSignal;
}

/** models.dev as far as it can be had, and what is still under way. */
export interface LoadedModelsDev {
  index: ModelsDevIndex | undefined;
  failure: string | undefined;
  settled: Promise<unknown>;
}

const NAME = "models.dev";

/** models.dev from its copy, and asked for again when that is old. Undefined index: switched off, or never reached. */
export async function loadModelsDev(options: ModelsDevOptions): Promise<LoadedModelsDev> {
  const { settings, cache, patience, nowMs } = options;
  if (!settings.enabled) return { index: undefined, failure: undefined, settled: Promise.resolve() };
  const kept = await cache.read(NAME, settings.url);
  const isFresh = kept !== undefined && Math.abs(nowMs - kept.savedMs) < settings.cacheTtlMs;
  // It changes by the day, not with every list.
  if (!patience.mustAsk({ isFresh, refreshOnList: false })) {
    return { index: indexOf(kept?.text, settings), failure: undefined, settled: Promise.resolve() };
  }
  const asked = askAndKeep(options);
  // With a copy at hand nobody waits; whoever asks for a fresh one has more patience than the setting.
  const allowed = patience.waitMs(kept !== undefined);
  const isForced = patience.mustAsk({ isFresh: true, refreshOnList: false });
  const answer = await within(asked, isForced ? allowed : Math.min(allowed, settings.timeoutMs));
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
    // Somebody has spoiled the copy; the next one replaces it.
    return undefined;
  }
}
