import { DIALECT_NAMES, dialectSpec } from "../dialect/registry.ts";
import { ANY_MODEL, CHAIN_PROVIDER, type ModelRef, parseModelRef } from "../model-ref.ts";

/** What an endpoint under `/v1` or `/orouter/v1` goes by: there the path names no provider. */
export type Endpoint =
  /** The model in the body, as JSON or in a form. */
  | { kind: "model" }
  /** The model in the path. */
  | { kind: "one-model"; id: string }
  /** What a provider keeps for an account: files, stored answers. Without an id: a new one, or the list. */
  | { kind: "kept"; id: string | undefined };

/** Endpoints beside those of the dialects whose requests name a model. */
const OTHER_MODEL_ENDPOINTS = [
  "responses/compact",
  "responses/input_tokens",
  "completions",
  "embeddings",
  "moderations",
  "rerank",
  "images/generations",
  "images/edits",
  "images/variations",
  "audio/speech",
  "audio/transcriptions",
  "audio/translations",
];

const MODEL_ENDPOINTS: ReadonlySet<string> = new Set([
  ...DIALECT_NAMES.map((dialect) => dialectSpec(dialect).path),
  ...DIALECT_NAMES.flatMap((dialect) => dialectSpec(dialect).counting?.path ?? []),
  ...OTHER_MODEL_ENDPOINTS,
]);

/** What is kept, by its path, with the methods that do without an id. */
const KEPT: readonly [path: string, withoutId: readonly string[]][] = [
  ["files", ["GET", "POST"]],
  ["responses", []],
  ["chat/completions", ["GET"]],
];

/** The endpoint behind `/v1/`; undefined for a path that orouter does not know, which reaches no provider. */
export function endpointAt(method: string, path: string): Endpoint | undefined {
  if (method === "POST" && MODEL_ENDPOINTS.has(path)) return { kind: "model" };
  const model = method === "POST" ? undefined : /^models\/(.+)$/.exec(path)?.[1];
  if (model !== undefined) return { kind: "one-model", id: decoded(model) };
  const kept = KEPT.find(([own]) => path === own || path.startsWith(`${own}/`));
  if (kept === undefined) return undefined;
  const id = keptIdIn(path);
  return id !== undefined || kept[1].includes(method) ? { kind: "kept", id } : undefined;
}

/** The id of a file or a stored answer in a path, under whatever provider. */
export function keptIdIn(path: string): string | undefined {
  const kept = KEPT.find(([own]) => path.startsWith(`${own}/`));
  const id = kept && path.slice(kept[0].length + 1).split("/")[0];
  return id === "" || id === undefined || MODEL_ENDPOINTS.has(path) ? undefined : decoded(id);
}

/** Whether the reply to such a request is the description of a new file. */
export function makesFile(method: string, path: string): boolean {
  return method === "POST" && path === "files";
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Where a request without a provider in its path goes. */
export interface Destination {
  ref: ModelRef;
  /** The provider's own path. */
  path: string;
}

/** The provider's own address of one model, named as `provider/model`. */
export function oneModel(id: string): Destination | undefined {
  const ref = parseModelRef(id);
  if (ref === undefined || ref.provider === CHAIN_PROVIDER) return undefined;
  return { ref: { ...ref, model: ANY_MODEL }, path: `models/${encodeURIComponent(ref.model)}` };
}
