import type { Key } from "../key.ts";
import { formatModelRef, type ModelRef } from "../model-ref.ts";
import type { Fault, Verdict } from "../verdict/verdict.ts";
import { backoffMs, isSoft, NEVER_MS } from "./cooldown.ts";
import { laneId, type Progress, pauseOf, retryLeftMs, triesOn } from "./progress.ts";

/**
 * What follows from a failed attempt. `serve-error` passes the reply to the client; the others continue the request.
 * After a soft failure they only change the order of lanes: nothing is excluded.
 */
export type Decision =
  | { kind: "again" }
  | { kind: "next-key" }
  | { kind: "next-model" }
  | { kind: "larger-model" }
  | { kind: "serve-error" };

export interface DecideInput {
  verdict: Verdict;
  key: Key;
  ref: ModelRef;
  progress: Progress;
  triesPerKey: number;
  /** Consecutive 429s of this session, including this one. */
  limitedInARow: number;
  rateLimitThreshold: number;
  /** Whether the answer had already begun. */
  isBroken: boolean;
  /** The keys that this request may still use for this model. */
  keys: readonly Key[];
  /** Whether another model has a lane that could still answer this request. */
  hasOtherModel: () => boolean;
}

/** How often a lane is called before the next one if a repetition helps: the second call uses a new connection. */
const SECOND_TRY = 2;

/** Whether the failure may pass within one request. Failures of a whole provider do not. */
export function isSoftFailure({ kind, fault }: Verdict): boolean {
  return isSoft(kind) && fault !== "provider";
}

export function decide(input: DecideInput): Decision {
  const { verdict } = input;
  switch (verdict.kind) {
    case "unsupported":
    case "output-limit":
      // A model that accepts the request helps an agent more than the reason why this one does not.
      return { kind: input.hasOtherModel() ? "next-model" : "serve-error" };
    case "path-not-found":
      return { kind: "next-model" };
    case "bad-request":
    case "content-policy":
      return { kind: "serve-error" };
    case "overflow":
      return { kind: "larger-model" };
    case "model-not-found":
      return verdict.fault === "lane" ? { kind: "next-key" } : { kind: "next-model" };
    case "forbidden":
      // A permission for this one endpoint, such as a login to the service's own settings.
      if (verdict.fault === "request") return { kind: "serve-error" };
      return verdict.fault === "provider" ? { kind: "next-model" } : { kind: "next-key" };
    case "rate-limit":
      return { kind: input.limitedInARow >= input.rateLimitThreshold ? "next-model" : "next-key" };
    case "subscription":
    case "payment":
    case "quota":
    case "auth":
    case "concurrency":
      return { kind: "next-key" };
    case "silent":
      return verdict.fault === "model" ? { kind: "next-model" } : { kind: "next-key" };
    case "overloaded":
    case "server-error":
    case "timeout":
    case "reset":
      return afterHiccup(input);
  }
}

function afterHiccup(input: DecideInput): Decision {
  const { verdict, progress, key, ref, triesPerKey, isBroken } = input;
  // The provider blames the model, so other keys would fail the same way.
  if (verdict.fault === "model" || verdict.fault === "provider") return { kind: "next-model" };
  const allowed = Math.max(triesPerKey, deservesSecondTry(input) ? SECOND_TRY : 1);
  if (isBroken || triesOn(progress, key, ref) >= allowed) return { kind: "next-key" };
  return { kind: "again" };
}

/**
 * A pooled connection that the server has closed also looks like a reset. And one failure of the only key is not enough
 * to leave a model, except silence.
 */
function deservesSecondTry({ verdict, key, keys }: DecideInput): boolean {
  return verdict.kind === "reset" || (isOnlyKey({ key, keys }) && verdict.kind !== "timeout");
}

export interface Failed {
  verdict: Verdict;
  key: Key;
  ref: ModelRef;
  startedMs: number;
  nowMs: number;
  isBroken: boolean;
  patienceMs: number;
  maxWaitMs: number;
  random: () => number;
}

/** Updates the request's progress for its later attempts. */
export function settle(progress: Progress, decision: Decision, failed: Failed): void {
  const { verdict, key, ref } = failed;
  progress.again = decision.kind === "again" ? laneId(key, ref) : undefined;
  if (decision.kind === "serve-error") return;
  if (isSoftFailure(verdict)) {
    pause(progress, decision, failed);
    return;
  }
  if (decision.kind === "next-key") {
    if (verdict.fault === "key") progress.excludedKeys.add(key.fingerprint);
    else progress.excludedLanes.add(laneId(key, ref));
    return;
  }
  progress.excludedModels.add(formatModelRef(ref));
  if (verdict.fault === "provider") progress.excludedProviders.add(ref.provider);
}

function pause(progress: Progress, decision: Decision, failed: Failed): void {
  const { verdict, key, ref } = failed;
  const model = formatModelRef(ref);
  if (decision.kind === "next-model") progress.avoidedModels.add(model);
  if (!isLimit(verdict)) progress.strained.add(model);
  const before = pauseOf(progress, key, ref);
  if (progress.pauses.size > 0) progress.spentMs += costMs(failed);
  const failures = (before?.failures ?? 0) + 1;
  progress.pauses.set(laneId(key, ref), {
    kind: verdict.kind,
    failures,
    untilMs: pauseEndMs(progress, decision, failed, failures),
    isDemoting: !isLimit(verdict),
  });
}

/**
 * Gateways take minutes to report a timeout, and an answer may run for minutes before it breaks. Counted in full, one
 * such failure would use up the time in which an agent retries six times.
 */
const MOST_COST_MS = 15_000;

/**
 * What a failure takes from the retry budget. Silence counts in full: nothing suggests that the next call will be
 * faster.
 */
function costMs({ verdict, startedMs, nowMs }: Failed): number {
  const tookMs = Math.max(0, nowMs - startedMs);
  return verdict.kind === "silent" ? tookMs : Math.min(tookMs, MOST_COST_MS);
}

/** A declared wait that did not help this often is ignored. */
const BELIEVED_WAITS = 2;

function pauseEndMs(progress: Progress, decision: Decision, failed: Failed, failures: number): number {
  const { verdict, nowMs, maxWaitMs, patienceMs, random } = failed;
  const { kind, waitMs: declaredMs } = verdict;
  if (decision.kind === "again") return nowMs + backoffMs(kind, failures, random());
  // A wait for the requested model is not a retry, so it has its own budget.
  const wholeMs = isLimit(verdict) ? Math.max(maxWaitMs, patienceMs) : maxWaitMs;
  const leftMs = retryLeftMs(progress, wholeMs);
  if (leftMs === 0) return NEVER_MS;
  if (declaredMs === undefined) return nowMs + Math.min(leftMs, backoffMs(kind, failures, random()));
  const doubted = failures - BELIEVED_WAITS;
  return nowMs + Math.max(declaredMs, doubted > 0 ? backoffMs(kind, doubted, random()) : 0);
}

function isLimit({ kind }: Verdict): boolean {
  return kind === "rate-limit" || kind === "concurrency";
}

function isHiccup({ kind }: Verdict): boolean {
  return kind === "overloaded" || kind === "server-error" || kind === "timeout" || kind === "reset";
}

export interface BlameInput {
  verdict: Verdict;
  key: Key;
  ref: ModelRef;
  progress: Progress;
  keys: readonly Key[];
  /** Whether another key has failed in the same way on this model. */
  isSameElsewhere: () => boolean;
  hasOtherModel: () => boolean;
}

/**
 * The party at fault. Silence and an unknown model are blamed on the lane until a second lane of the model fails the
 * same way: one account may lack what others have. A declared wait is meant for the account that asked. Providers also
 * blame the model for the queue of one account: while there is another key but no other model, only this lane is
 * blamed.
 */
export function blame(input: BlameInput): Fault {
  const { verdict } = input;
  if (verdict.kind === "silent") return input.isSameElsewhere() ? "model" : "lane";
  if (verdict.kind === "model-not-found" && verdict.fault === "model")
    return verdict.status === GONE || input.isSameElsewhere() || isOnlyKey(input) ? "model" : "lane";
  if (!isHiccup(verdict)) return verdict.fault;
  if (verdict.fault === "attempt") return verdict.waitMs === undefined ? "attempt" : "lane";
  if (verdict.fault !== "model" || input.hasOtherModel()) return verdict.fault;
  return hasUntriedKey(input) ? "lane" : "model";
}

/** No other key is left for this request. One that only waits, such as for its limit, may still find the model. */
function isOnlyKey({ keys, key }: Pick<BlameInput, "keys" | "key">): boolean {
  return keys.every((one) => one === key);
}

/** A retired model is retired for all accounts. */
const GONE = 410;

function hasUntriedKey({ keys, key, ref, progress }: BlameInput): boolean {
  return keys.some((other) => other !== key && triesOn(progress, other, ref) === 0);
}
