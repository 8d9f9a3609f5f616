import { formatModelRef, type ModelRef } from "../model-ref.ts";
import type { Verdict } from "../verdict/verdict.ts";
import type { Dialect } from "./route.ts";

/** The call that was refused, as far as another one could differ from it. */
export interface RefusedCall {
  /** Undefined for an endpoint that is passed on unread. */
  dialect: Dialect | undefined;
  /** The output tokens that were asked for. */
  outputTokens: number | undefined;
}

/** The dialects a request can be translated into. */
const DIALECTS: readonly Dialect[] = ["chat", "responses"];

/** Lower limits to try where the provider does not name its own. */
const USUAL_LIMITS = [65_536, 32_768, 16_384, 8_192, 4_096];

/** Clients make up names of models at will; this many are remembered. */
const MAX_MODELS = 1000;

/**
 * What refusals have taught this process about models: endpoints that are missing and the most output tokens. Neither
 * is a failure of a key or of the model, so neither sets a cooldown: the next call differs.
 */
export class ModelFacts {
  readonly #missing = new Map<string, Set<Dialect>>();
  readonly #outputLimits = new Map<string, number>();

  /** The dialect to use with a model: the wanted one, or another one where the endpoint of that is missing. */
  dialectFor(ref: ModelRef, wanted: Dialect): Dialect {
    const missing = this.#missing.get(formatModelRef(ref));
    if (missing?.has(wanted) !== true) return wanted;
    return DIALECTS.find((dialect) => !missing.has(dialect)) ?? wanted;
  }

  /** The most output tokens to ask this model for; undefined while nothing is known. */
  outputLimit(ref: ModelRef): number | undefined {
    return this.#outputLimits.get(formatModelRef(ref));
  }

  /** The endpoint has answered, so it exists. */
  answered(ref: ModelRef, dialect: Dialect): void {
    this.#missing.get(formatModelRef(ref))?.delete(dialect);
  }

  /** Takes in a refusal. Returns whether the same lane is worth asking again with a call that differs. */
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
    return DIALECTS.some((other) => !missing.has(other));
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
