import { isObject, type JsonObject } from "../json.ts";

/** A window of 0 would turn opencode's compaction off. */
export interface OverlayModel {
  id: string;
  name: string;
  context: number;
  output: number;
  /** The longest prompt, if it is less than the window. */
  input?: number;
  /** Further fields of opencode's model entries. */
  details?: JsonObject;
}

export interface OverlayProvider {
  id: string;
  /** The path segment under which the proxy serves it. */
  route: string;
  name?: string;
  /** The AI SDK package for its dialect; absent if opencode knows the provider. */
  npm?: string;
  models?: readonly OverlayModel[];
}

export interface OverlayOptions {
  baseUrl: string;
  tokenFile: string;
  runId: string;
  providers: readonly OverlayProvider[];
  /** Used only if the user chose none. */
  model?: string;
  /** A header with the token, for an opencode that sends the user's stored key as the API key. */
  tokenHeader?: string | undefined;
}

/** Marks an overlay, so that a nested orouter can tell it from the user's own config. */
const MARK = "x-orouter";

/**
 * The proxy has its own first-token and stall timeouts, so opencode's must not be shorter. `false` lets the proxy hold
 * the head while it tries keys.
 */
const TIMEOUTS = { headerTimeout: false, chunkTimeout: 600_000 };

/** Contains no secret: opencode reads the token from a file. */
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

/** The part that does not change during the run: addresses and dialects, without models. */
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
 * Merges our overlay into the user's OPENCODE_CONFIG_CONTENT. The overlay of an outer orouter is removed first: its
 * token file may be gone. The user's own content is kept under our mark, for a nested orouter that has to do the same.
 */
export function layOver(theirs: JsonObject, ours: JsonObject): JsonObject {
  const under = withoutOverlay(theirs);
  const merged = mergeDeep(under, ours);
  const mark = merged[MARK];
  return { ...merged, [MARK]: { ...(isObject(mark) ? mark : {}), under } };
}

/** The user's own configuration, without the overlay of an outer orouter. */
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
