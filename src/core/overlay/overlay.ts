import { isObject, type JsonObject } from "../json.ts";

/** A model of ours as opencode needs to know it. A window of 0 would switch its compaction off. */
export interface OverlayModel {
  id: string;
  name: string;
  context: number;
  output: number;
  /** The longest prompt, where that is less than the window. */
  input?: number;
  /** More fields of opencode's own model entries, where they are known. */
  details?: JsonObject;
}

/** One provider that opencode is to reach through the proxy. */
export interface OverlayProvider {
  id: string;
  /** The path segment under which the proxy serves it. */
  route: string;
  name?: string;
  /** The AI SDK package that speaks its dialect; absent where opencode knows the provider. */
  npm?: string;
  models?: readonly OverlayModel[];
}

export interface OverlayOptions {
  baseUrl: string;
  tokenFile: string;
  runId: string;
  providers: readonly OverlayProvider[];
  /** Chosen only where the user chose none. */
  model?: string;
  /** A header that carries the token as well, for an opencode that sends the user's own stored key as the API key. */
  tokenHeader?: string | undefined;
}

/** The key under which an overlay is marked, so that an orouter inside an opencode can tell it from the user's own. */
const MARK = "x-orouter";

/**
 * Silence is ours to judge: the proxy has its own first-token and stall limits, so opencode's must not be shorter.
 * `false` lets the proxy hold the head while it walks the keys.
 */
const TIMEOUTS = { headerTimeout: false, chunkTimeout: 600_000 };

/** The opencode config of one run. Nothing secret is in it: the token is read from a file. */
export function buildOverlay(options: OverlayOptions): JsonObject {
  const provider: JsonObject = {};
  for (const one of options.providers) provider[one.id] = overlayProvider(one, options);
  return {
    $schema: "https://opencode.ai/config.json",
    [MARK]: { run: options.runId },
    provider,
    ...(options.model === undefined ? {} : { model: options.model }),
  };
}

/** What holds for the whole run: where providers are and how they are spoken to, but not their models. */
export function withoutModels(overlay: JsonObject): JsonObject {
  const provider = isObject(overlay["provider"]) ? overlay["provider"] : {};
  const entries = Object.entries(provider).map(([id, entry]) => {
    const { models: _, ...rest } = isObject(entry) ? entry : {};
    return [id, rest];
  });
  return { ...overlay, provider: Object.fromEntries(entries) };
}

function overlayProvider(one: OverlayProvider, options: OverlayOptions): JsonObject {
  const entry: JsonObject = {
    options: {
      baseURL: `${options.baseUrl}/${one.route}/v1`,
      apiKey: `{file:${options.tokenFile}}`,
      ...(options.tokenHeader === undefined
        ? {}
        : { headers: { [options.tokenHeader]: `{file:${options.tokenFile}}` } }),
      ...TIMEOUTS,
    },
  };
  if (one.npm !== undefined) entry["npm"] = one.npm;
  if (one.name !== undefined) entry["name"] = one.name;
  if (one.models !== undefined) {
    entry["models"] = Object.fromEntries(one.models.map((model) => [model.id, overlayModel(model)]));
  }
  return entry;
}

function overlayModel(model: OverlayModel): JsonObject {
  return {
    name: model.name,
    tool_call: true,
    temperature: true,
    ...model.details,
    limit: {
      context: model.context,
      ...(model.input === undefined ? {} : { input: model.input }),
      output: model.output,
    },
  };
}

/**
 * Lays our overlay over what the user already had in OPENCODE_CONFIG_CONTENT. An overlay of an outer orouter is taken
 * off first: its proxy is not ours, and its token file may be gone. What we were laid over is kept in our mark, for an
 * orouter that is started inside this opencode and has to do the same.
 */
export function layOver(theirs: JsonObject, ours: JsonObject): JsonObject {
  const under = withoutOverlay(theirs);
  const merged = mergeDeep(under, ours);
  const mark = merged[MARK];
  return { ...merged, [MARK]: { ...(isObject(mark) ? mark : {}), under } };
}

/** What the user's own configuration was before an outer orouter laid its overlay over it; untouched without one. */
export function withoutOverlay(theirs: JsonObject): JsonObject {
  const mark = theirs[MARK];
  if (!isObject(mark)) return theirs;
  return isObject(mark["under"]) ? mark["under"] : {};
}

/** opencode replaces arrays when it merges, except these two, which it concatenates. */
const CONCATENATED = new Set(["plugin", "instructions"]);

function mergeDeep(base: JsonObject, over: JsonObject): JsonObject {
  const merged: JsonObject = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    if (isObject(old) && isObject(value)) merged[key] = mergeDeep(old, value);
    else if (CONCATENATED.has(key) && Array.isArray(old) && Array.isArray(value)) {
      merged[key] = [...new Set([...old, ...value])];
    } else merged[key] = value;
  }
  return merged;
}
