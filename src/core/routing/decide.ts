import type { Key } from "../key.ts";
import { formatModelRef, type ModelRef } from "../model-ref.ts";
import type { Fault, Verdict, VerdictKind } from "../verdict/verdict.ts";
import { isBarred, laneId, type Progress, triesOn } from "./progress.ts";

/** What follows from a failed attempt. `serve-error` hands the reply to the client; the others go back into the loop. */
export type Decision =
  | { kind: "again"; afterMs: number }
  | { kind: "next-key" }
  | { kind: "next-model" }
  | { kind: "larger-model" }
  | { kind: "serve-error" };

export interface DecideInput {
  verdict: Verdict;
  key: Key;
  ref: ModelRef;
  progress: Progress;
  /** The keys of this model's provider. */
  keys: readonly Key[];
  triesPerKey: number;
  /** 429s in a row on this session, this one counted. */
  limitedInARow: number;
  rateLimitThreshold: number;
  random: () => number;
}

/** A pause before the same lane is tried again: long enough for a hiccup to pass, short enough to go unnoticed. */
const BACKOFF = { baseMs: 300, spreadMs: 700 };

/** Calls on a lane whose model is overloaded, when there is no other model: 4, 8 and 16 s apart. */
const OVERLOADED_TRIES = 4;

/** Calls on one lane that keep being told to wait, within one request. Full accounts get more: their slots do come free. */
const WAITED_TRIES: Partial<Record<VerdictKind, number>> = { "rate-limit": 3, concurrency: 8 };

/** Says what a verdict means for the request. */
export function decide(input: DecideInput): Decision {
  const { verdict } = input;
  switch (verdict.kind) {
    case "unsupported":
    case "output-limit":
      // A model that takes the request helps an agent more than the reason why this one does not.
      return { kind: hasOtherModel(input) ? "next-model" : "serve-error" };
    case "path-not-found":
      return { kind: "next-model" };
    case "bad-request":
    case "content-policy":
      return { kind: "serve-error" };
    case "overflow":
      return { kind: "larger-model" };
    case "silent":
      return { kind: "next-model" };
    case "model-not-found":
      return verdict.fault === "lane" ? { kind: "next-key" } : { kind: "next-model" };
    case "forbidden":
      // A right that this one endpoint asks for, such as a login to the service's own settings.
      if (verdict.fault === "request") return { kind: "serve-error" };
      return verdict.fault === "provider" ? { kind: "next-model" } : { kind: "next-key" };
    case "rate-limit":
      return input.limitedInARow >= input.rateLimitThreshold && hasOtherModel(input)
        ? { kind: "next-model" }
        : { kind: "next-key" };
    case "subscription":
    case "payment":
    case "quota":
    case "auth":
    case "concurrency":
      return { kind: "next-key" };
    case "overloaded":
    case "server-error":
    case "timeout":
    case "reset":
      return afterHiccup(input);
  }
}

/** Notes in the request's progress what the decision rules out for the rest of it. */
export function settle(
  progress: Progress,
  decision: Decision,
  failed: { verdict: Verdict; key: Key; ref: ModelRef },
): void {
  const { verdict, key, ref } = failed;
  const model = formatModelRef(ref);
  progress.again = decision.kind === "again" ? laneId(key, ref) : undefined;
  if (isHiccup(verdict) || verdict.kind === "silent") progress.strained.add(model);
  if (decision.kind === "next-model" || decision.kind === "larger-model") {
    progress.barredModels.add(model);
    if (verdict.fault === "provider") progress.barredProviders.add(ref.provider);
    return;
  }
  if (decision.kind !== "next-key") return;
  // A rate-limited or full lane is left to its rest: it may well be free again before the request gives up.
  const waitedTries = WAITED_TRIES[verdict.kind];
  if (waitedTries !== undefined && triesOn(progress, key, ref) < waitedTries) return;
  // The only model is overloaded: its rest is waited out rather than its lanes given up.
  if (isHiccup(verdict) && verdict.fault === "model" && triesOn(progress, key, ref) < OVERLOADED_TRIES)
    return;
  if (verdict.fault === "key") progress.barredKeys.add(key.fingerprint);
  else progress.barredLanes.add(laneId(key, ref));
}

function afterHiccup(input: DecideInput): Decision {
  const { verdict, progress, key, ref } = input;
  // The provider's words blame the model: other keys would meet the same wall.
  if (verdict.fault === "model") return { kind: hasOtherModel(input) ? "next-model" : "next-key" };
  const connectionBroke = verdict.kind === "reset";
  const alone = !input.keys.some(
    (other) => other.enabled && other !== key && !isBarred(progress, other, ref),
  );
  // A route that has gone silent is seldom cured by asking it again while another model waits.
  const mayRepeat = connectionBroke || (alone && !(verdict.kind === "timeout" && hasOtherModel(input)));
  const allowed = Math.max(input.triesPerKey, mayRepeat ? 2 : 1);
  if (triesOn(progress, key, ref) >= allowed) return { kind: "next-key" };
  // A pooled connection that the server had closed shows as a reset too; the next one is a fresh one.
  if (connectionBroke) return { kind: "again", afterMs: 0 };
  return { kind: "again", afterMs: Math.round(BACKOFF.baseMs + BACKOFF.spreadMs * input.random()) };
}

/**
 * Whose fault it is for this request. Providers blame the model for what is only one account's queue: while there is
 * no other model, but another key, its word is taken for that lane alone.
 */
export function faultIn(input: Pick<DecideInput, "verdict" | "key" | "ref" | "progress" | "keys">): Fault {
  const { verdict, key, ref, progress, keys } = input;
  if (!isHiccup(verdict) || verdict.fault !== "model" || hasOtherModel(input)) return verdict.fault;
  const isUntried = (other: Key): boolean =>
    other !== key && other.enabled && triesOn(progress, other, ref) === 0;
  return keys.some((other) => isUntried(other) && !isBarred(progress, other, ref)) ? "lane" : verdict.fault;
}

function hasOtherModel(input: Pick<DecideInput, "ref" | "progress">): boolean {
  const model = formatModelRef(input.ref);
  return input.progress.targets.some((target) => {
    const other = formatModelRef(target);
    return other !== model && !input.progress.barredModels.has(other);
  });
}

function isHiccup(verdict: Verdict): boolean {
  return ["overloaded", "server-error", "timeout", "reset"].includes(verdict.kind);
}
