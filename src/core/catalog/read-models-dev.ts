import { looseFields } from "./loose-fields.ts";
import type { ModelCost, ModelTraits } from "./model-entry.ts";

/** A model as models.dev knows it. */
export interface KnownModel extends ModelTraits {
  id: string;
  name: string;
}

/** The models of models.dev by provider, then by id. */
export type ModelsDev = ReadonlyMap<string, ReadonlyMap<string, KnownModel>>;

/**
 * Reads models.dev's `api.json`; undefined for what is none. Models that are on their way out and those without a window,
 * which make pictures or embeddings, tell nothing worth knowing and are left out.
 */
export function readModelsDev(value: unknown): ModelsDev | undefined {
  if (!isObject(value)) return undefined;
  const providers = new Map<string, ReadonlyMap<string, KnownModel>>();
  for (const [provider, entry] of Object.entries(value)) {
    const models = isObject(entry) ? entry["models"] : undefined;
    if (!isObject(models)) continue;
    const known = Object.entries(models).flatMap(([id, model]) => readKnown(id, model) ?? []);
    if (known.length > 0) providers.set(provider, new Map(known.map((model) => [model.id, model])));
  }
  return providers.size === 0 ? undefined : providers;
}

/** The same without what we have no use for: less than half the size on disk and to parse. */
export function trimModelsDev(value: unknown): object {
  if (!isObject(value)) return {};
  const providers = Object.entries(value).flatMap(([provider, entry]) => {
    const models = isObject(entry) ? entry["models"] : undefined;
    if (!isObject(models)) return [];
    const kept = Object.entries(models).flatMap(([id, model]) =>
      isObject(model) && isUseful(model) ? [[id, trimModel(model)]] : [],
    );
    return [[provider, { models: Object.fromEntries(kept) }]];
  });
  return Object.fromEntries(providers);
}

const KEPT = ["name", "limit", "tool_call", "reasoning", "modalities", "cost"];

function trimModel(model: Record<string, unknown>): object {
  return Object.fromEntries(KEPT.flatMap((field) => (field in model ? [[field, model[field]]] : [])));
}

function isUseful(model: Record<string, unknown>): boolean {
  const { status, limit } = model;
  return status !== "deprecated" && !(isObject(limit) && limit["context"] === 0);
}

function readKnown(id: string, model: unknown): KnownModel | undefined {
  if (!isObject(model) || !isUseful(model)) return undefined;
  const fields = looseFields(model);
  return {
    id,
    name: fields.text("name") ?? id,
    context: fields.count("limit.context"),
    output: fields.count("limit.output"),
    input: fields.count("limit.input"),
    toolCall: fields.flag("tool_call"),
    reasoning: fields.flag("reasoning"),
    inputs: fields.modalities("modalities.input"),
    outputs: fields.modalities("modalities.output"),
    cost: readCost(model),
  };
}

function readCost(model: Record<string, unknown>): ModelCost | undefined {
  const { amount } = looseFields(model["cost"]);
  const input = amount("input");
  const output = amount("output");
  if (input === undefined || output === undefined) return undefined;
  return { input, output, cacheRead: amount("cache_read"), cacheWrite: amount("cache_write") };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
