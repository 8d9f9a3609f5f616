import { asObject, isObject, type JsonObject } from "../dialect/json-object.ts";
import { formatModelRef, type ModelRef } from "../model-ref.ts";
import { hasBytes } from "./has-bytes.ts";
import { parseJson } from "./written-calls.ts";

/**
 * Fields that not every service knows and that a request can do without: thoughts of earlier turns, which some services
 * want back and others refuse, and settings that change how an answer is made, not what is asked.
 */
const DISPENSABLE = new Set([
  "reasoning_content",
  "reasoning",
  "reasoning_details",
  "reasoning_text",
  "thinking_blocks",
  "annotations",
  "refusal",
  "audio",
  "store",
  "metadata",
  "user",
  "service_tier",
  "prompt_cache_key",
  "prompt_cache_retention",
  "safety_identifier",
  "parallel_tool_calls",
  "stream_options",
  "reasoning_effort",
  "verbosity",
  "cache_control",
]);

/** A field as refusals name it: with the path to it, in quotes or not. */
const NAMED = [
  /([\w.[\]]+)["'`]?: extra (?:inputs|fields) (?:are )?not permitted/i,
  /"loc": ?\[[^\]]*"([\w]+)"\][^}]*(?:extra_forbidden|extra inputs)/i,
  /(?:unknown|unrecognized|unexpected|unsupported|additional|extra|invalid) (?:request )?(?:field|parameter|argument|property|propert(?:y|ies)|keyword|key|name|input)s?(?: supplied| in request| name)?\W{1,4}([\w.[\]]+)/i,
  /\(?["'`]([\w.]+)["'`] (?:was|were) unexpected/i,
  /(?:property|field|parameter|argument|key) ["'`]([\w.[\]]+)["'`] (?:is|are) (?:unsupported|not (?:supported|allowed|permitted|recognized|expected)|unknown)/i,
];

/** The field that a refusal names as unknown, if the request can do without it. */
export function refusedField(words: string): string | undefined {
  for (const pattern of NAMED) {
    const name = pattern
      .exec(words)?.[1]
      ?.split(/[.[\]]+/)
      .findLast((part) => part !== "");
    if (name !== undefined && DISPENSABLE.has(name)) return name;
  }
  return undefined;
}

/** The body without these fields, at its top and in its messages. Without any of them it is the same bytes. */
export function withoutFields(
  body: Uint8Array<ArrayBuffer>,
  names: ReadonlySet<string>,
): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  if (![...names].some((name) => hasBytes(body, encoder.encode(`"${name}"`)))) return body;
  const request = parseJson(new TextDecoder().decode(body));
  if (!isObject(request)) return body;
  const cleaned = without(request, names);
  for (const list of ["messages", "input"]) {
    const turns = cleaned[list];
    if (Array.isArray(turns))
      cleaned[list] = turns.map((turn) => (isObject(turn) ? without(turn, names) : turn));
  }
  return encoder.encode(JSON.stringify(cleaned));
}

function without(value: JsonObject, names: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(asObject(value)).filter(([name]) => !names.has(name)));
}

/** Clients make up names of models at will; this many are remembered. */
const MAX_MODELS = 1000;

/** The fields that services have refused in this run, by model: the next call leaves them out. */
export class RefusedFields {
  readonly #byModel = new Map<string, Set<string>>();

  of(ref: ModelRef): ReadonlySet<string> | undefined {
    return this.#byModel.get(formatModelRef(ref));
  }

  /** Takes in a refusal. Returns whether the same lane is worth asking again without a field. */
  learn(ref: ModelRef, words: string): boolean {
    const name = refusedField(words);
    const model = formatModelRef(ref);
    const known = this.#byModel.get(model) ?? new Set();
    if (name === undefined || known.has(name)) return false;
    known.add(name);
    this.#byModel.set(model, known);
    const [oldest] = this.#byModel.keys();
    if (this.#byModel.size > MAX_MODELS && oldest !== undefined) this.#byModel.delete(oldest);
    return true;
  }
}
