import { DIALECT_NAMES, type Dialect, dialectSpec } from "../dialect/registry.ts";
import { asObject, isObject, type JsonObject, parseJsonBytes } from "../json.ts";
import { formatModelRef, type ModelRef } from "../model-ref.ts";
import { hasBytes } from "../stream/bytes.ts";
import type { Verdict } from "../verdict/verdict.ts";

/** The parts of a rejected call that another call could change. */
export interface RefusedCall {
  /** Undefined for an endpoint that is passed through unread. */
  dialect: Dialect | undefined;
  /** The requested output tokens. */
  outputTokens: number | undefined;
}

/** Lower limits to try if the provider does not name its own. */
const USUAL_LIMITS = [65_536, 32_768, 16_384, 8_192, 4_096];

/** Clients may invent model names, so the number is limited. */
const MAX_MODELS = 1000;

/**
 * A model that continues may still start with another word by chance; one that always starts anew does not continue.
 */
const VAIN_PREFILLS = 3;

/** Signatures are remembered by the end of their hash: a long session has hundreds. */
const MAX_SEALS = 20_000;

function sealId(seal: string): string {
  return new Bun.CryptoHasher("sha256").update(seal).digest("base64").slice(0, 16);
}

/**
 * What rejections have taught this process about models: missing endpoints, output limits, rejected fields, whether
 * they continue a text. No key or model is at fault, so none of them sets a cooldown: the next call differs.
 */
export class ModelFacts {
  readonly #missing = new Map<string, Set<Dialect>>();
  readonly #outputLimits = new Map<string, number>();
  readonly #seals = new Map<string, string>();
  readonly #refusedFields = new Map<string, Set<string>>();
  readonly #vainPrefills = new Map<string, number>();

  dialectFor(ref: ModelRef, wanted: Dialect): Dialect {
    const missing = this.#missing.get(formatModelRef(ref));
    if (missing?.has(wanted) !== true) return wanted;
    return DIALECT_NAMES.find((dialect) => !missing.has(dialect)) ?? wanted;
  }

  /** Undefined while the model's output limit is unknown. */
  outputLimit(ref: ModelRef): number | undefined {
    return this.#outputLimits.get(formatModelRef(ref));
  }

  /** Notes whose reasoning a signature belongs to. */
  learnSeal(seal: string, family: string): void {
    const id = sealId(seal);
    this.#seals.delete(id);
    this.#seals.set(id, family);
    const [oldest] = this.#seals.keys();
    if (this.#seals.size > MAX_SEALS && oldest !== undefined) this.#seals.delete(oldest);
  }

  /** The family of models that signed this; undefined if this process has not seen the answer. */
  familyOfSeal(seal: string): string | undefined {
    return seal === "" ? undefined : this.#seals.get(sealId(seal));
  }

  /** The fields that this model's service has rejected. */
  refusedFields(ref: ModelRef): ReadonlySet<string> | undefined {
    return this.#refusedFields.get(formatModelRef(ref));
  }

  /** Returns whether the same lane is worth asking again without the field. */
  learnField(ref: ModelRef, words: string): boolean {
    const name = refusedField(words);
    const model = formatModelRef(ref);
    const known = this.#refusedFields.get(model) ?? new Set();
    if (name === undefined || known.has(name)) return false;
    known.add(name);
    remember(this.#refusedFields, model, known);
    return true;
  }

  /** False if the model has refused to continue a text, or started anew each time. */
  mayContinue(ref: ModelRef): boolean {
    return (this.#vainPrefills.get(formatModelRef(ref)) ?? 0) < VAIN_PREFILLS;
  }

  learnPrefill(ref: ModelRef, outcome: "continued" | "began-anew" | "refused"): void {
    const model = formatModelRef(ref);
    const before = this.#vainPrefills.get(model) ?? 0;
    const vain = { continued: 0, "began-anew": before + 1, refused: VAIN_PREFILLS }[outcome];
    remember(this.#vainPrefills, model, vain);
  }

  /** The endpoint has answered, so it exists. */
  answered(ref: ModelRef, dialect: Dialect): void {
    this.#missing.get(formatModelRef(ref))?.delete(dialect);
  }

  /** Returns whether the same lane is worth asking again with a changed call. */
  learn(ref: ModelRef, verdict: Verdict, call: RefusedCall): boolean {
    if (verdict.kind === "path-not-found") return this.#learnPath(formatModelRef(ref), call.dialect);
    if (verdict.kind === "output-limit") return this.#learnLimit(formatModelRef(ref), verdict, call);
    return false;
  }

  #learnPath(model: string, dialect: Dialect | undefined): boolean {
    if (dialect === undefined) return false;
    const missing = this.#missing.get(model) ?? new Set();
    missing.add(dialect);
    remember(this.#missing, model, missing);
    return DIALECT_NAMES.some((other) => !missing.has(other));
  }

  #learnLimit(model: string, { outputLimit }: Verdict, { outputTokens }: RefusedCall): boolean {
    if (outputTokens === undefined) return false;
    const limit =
      outputLimit !== undefined && outputLimit < outputTokens
        ? outputLimit
        : USUAL_LIMITS.find((usual) => usual < outputTokens);
    if (limit === undefined) return false;
    remember(this.#outputLimits, model, limit);
    return true;
  }
}

function remember<Fact>(facts: Map<string, Fact>, model: string, fact: Fact): void {
  facts.delete(model);
  facts.set(model, fact);
  const [oldest] = facts.keys();
  if (facts.size > MAX_MODELS && oldest !== undefined) facts.delete(oldest);
}

/**
 * Fields that not every service knows and that a request can omit: reasoning of earlier turns, and settings that change
 * how an answer is made, not what is asked.
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

/** How rejections name a field: with its path, quoted or not. */
const NAMED = [
  /([\w.[\]]+)["'`]?: extra (?:inputs|fields) (?:are )?not permitted/i,
  /"loc": ?\[[^\]]*"([\w]+)"\][^}]*(?:extra_forbidden|extra inputs)/i,
  /(?:unknown|unrecognized|unexpected|unsupported|additional|extra|invalid) (?:request )?(?:field|parameter|argument|property|propert(?:y|ies)|keyword|key|name|input)s?(?: supplied| in request| name)?\W{1,4}([\w.[\]]+)/i,
  /\(?["'`]([\w.]+)["'`] (?:was|were) unexpected/i,
  /(?:property|field|parameter|argument|key) ["'`]([\w.[\]]+)["'`] (?:is|are) (?:unsupported|not (?:supported|allowed|permitted|recognized|expected)|unknown)/i,
];

/** Undefined if the request needs the field. */
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

/** Removes the fields at the top and in messages. If there are none, the bytes stay the same. */
export function withoutFields(
  body: Uint8Array<ArrayBuffer>,
  names: ReadonlySet<string>,
): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  if (![...names].some((name) => hasBytes(body, encoder.encode(`"${name}"`)))) return body;
  const request = parseJsonBytes(body);
  if (!isObject(request)) return body;
  const cleaned = without(request, names);
  for (const list of DIALECT_NAMES.map((dialect) => dialectSpec(dialect).history.field)) {
    const turns = cleaned[list];
    if (Array.isArray(turns))
      cleaned[list] = turns.map((turn) => (isObject(turn) ? without(turn, names) : turn));
  }
  return encoder.encode(JSON.stringify(cleaned));
}

function without(value: JsonObject, names: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(asObject(value)).filter(([name]) => !names.has(name)));
}
