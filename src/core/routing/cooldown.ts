import type { Key } from "../key.ts";
import { formatModelRef, type ModelRef } from "../model-ref.ts";
import type { Fault, Verdict, VerdictKind } from "../verdict/verdict.ts";

/** Limits wait longer than hiccups: a provider that counts calls also counts those that it refuses. */
const FIRST_MS: Partial<Record<VerdictKind, number>> = {
  "rate-limit": 2000,
  concurrency: 1000,
  overloaded: 1000,
};

/** A broken connection is tried again before anyone notices. */
const USUAL_FIRST_MS = 300;

/** Below the 10 s that opencode 2 waits at most, so that a lane is tried at least as often as the agent would try it. */
const LONGEST_MS = 8000;

/** How much of a wait is left to chance: two requests that failed together should not come back together. */
const JITTER = 0.25;

/** The wait before a lane that has failed softly is asked again. `jitter` is between 0 and 1. */
export function backoffMs(kind: VerdictKind, failures: number, jitter: number): number {
  const fullMs = Math.min(LONGEST_MS, (FIRST_MS[kind] ?? USUAL_FIRST_MS) * 2 ** (failures - 1));
  return Math.round(fullMs * (1 - JITTER + JITTER * jitter));
}

/** The parties that can cool down, smallest first. */
export type CooldownScope = "lane" | "key" | "model" | "provider";

/** The party that a cooldown is about. */
export interface CooldownTarget {
  /** Tells parties apart. Never taken apart: the fields beside it say what it is made of. */
  id: string;
  scope: CooldownScope;
  provider: string;
  /** Of the key; undefined for a model or a provider. */
  fingerprint: string | undefined;
  /** The provider's own name of the model; undefined for a key or a provider. */
  model: string | undefined;
}

/** How long one party is left alone, and why. `untilMs` in the past: its next use is a probe. */
export interface Cooldown extends CooldownTarget {
  kind: VerdictKind;
  status: number;
  message: string;
  /** When the cooldown was set: a failure whose attempt began before this does not deepen it. */
  sinceMs: number;
  /** 0 while failures are only counted; `NEVER_MS` for a key that is dead until it changes. */
  untilMs: number;
  /** Failures in a row: the step of the growing cooldowns. */
  failures: number;
  /** Whether the provider named the end. A guessed one is not waited for where nothing else is left. */
  isDeclared: boolean;
}

/** The waits behind the verdicts; the first three come from the settings. */
export interface CooldownPolicy {
  failWindowMs: number;
  cooldown: { baseMs: number; factor: number; maxMs: number };
}

/** The last moment a Date can name: the end of a cooldown that only a changed key ends. */
export const NEVER_MS = 8_640_000_000_000_000;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Waits that are not settings. Reasons: provider habits, or scenario S15 (back on a healed model within 30 s). */
const WAITS = {
  concurrency: 2 * SECOND,
  concurrencyMax: 10 * SECOND,
  forbidden: 10 * MINUTE,
  notFound: 12 * HOUR,
  gone: 7 * 24 * HOUR,
  softBase: 4 * SECOND,
  softMax: 25 * SECOND,
  /** NIM's DEGRADED functions stay down for minutes; the ceiling is the same for all, so that S15 holds. */
  silent: 25 * SECOND,
  /** "Retry-After: 0" beside a refusal is no invitation to ask again at once. */
  shortest: SECOND,
  longest: 30 * 24 * HOUR,
};

/** How many times in a row an attempt-level failure must happen before the model is thought to be at fault. */
const FAILURES_TO_MODEL: Partial<Record<VerdictKind, number>> = {
  overloaded: 2,
  "server-error": 3,
  timeout: 2,
  reset: 3,
};

/** A key refused this often in a row as unauthorised is dead until it changes. */
const AUTH_FAILURES_TO_DEAD = 2;

/** Verdicts that time alone heals soon: a lane cooling down for one of these may be probed when nothing else is left. */
const SOFT: ReadonlySet<VerdictKind> = new Set([
  "rate-limit",
  "concurrency",
  "overloaded",
  "server-error",
  "timeout",
  "reset",
  "silent",
]);

export function isSoft(kind: VerdictKind): boolean {
  return SOFT.has(kind);
}

/**
 * When a lane under this cooldown may be asked although something better was hoped for. A declared end counts, and so
 * does that of a hard failure. A guess about a soft one is asked about sooner, at growing distances. Where it holds
 * several lanes, each of them has these distances, so that one good lane among many is found in time.
 */
export function askableAtMs(cooldown: Cooldown, jitter: number, lanes: number): number {
  const { kind, sinceMs, untilMs, failures, isDeclared } = cooldown;
  if (isDeclared || !isSoft(kind)) return untilMs;
  const waitMs = backoffMs(kind, Math.max(1, failures), jitter) / Math.max(1, lanes);
  return Math.min(untilMs, sinceMs + Math.max(SHORTEST_DISTANCE_MS, Math.round(waitMs)));
}

/** Between two calls that ask about one cooldown, however many lanes it holds. */
const SHORTEST_DISTANCE_MS = 200;

export const cooldownId = {
  lane: (fingerprint: string, ref: ModelRef): string => `lane ${fingerprint} ${formatModelRef(ref)}`,
  key: (fingerprint: string): string => `key ${fingerprint}`,
  model: (ref: ModelRef): string => `model ${formatModelRef(ref)}`,
  provider: (provider: string): string => `provider ${provider}`,
  /** A spent quota that was read, for a class of the key's models. */
  quota: (provider: string, fingerprint: string, models: string): string =>
    `quota ${provider} ${fingerprint} ${models}`,
  /** A cap that the user set. */
  budget: (provider: string, fingerprint: string): string => `budget ${provider} ${fingerprint}`,
};

/** Every party by its name. */
export const targetOf = {
  lane: (fingerprint: string, ref: ModelRef): CooldownTarget => ({
    id: cooldownId.lane(fingerprint, ref),
    scope: "lane",
    provider: ref.provider,
    fingerprint,
    model: ref.model,
  }),
  key: ({ provider, fingerprint }: Pick<Key, "provider" | "fingerprint">): CooldownTarget => ({
    id: cooldownId.key(fingerprint),
    scope: "key",
    provider,
    fingerprint,
    model: undefined,
  }),
  model: (ref: ModelRef): CooldownTarget => ({
    id: cooldownId.model(ref),
    scope: "model",
    provider: ref.provider,
    fingerprint: undefined,
    model: ref.model,
  }),
  provider: (provider: string): CooldownTarget => ({
    id: cooldownId.provider(provider),
    scope: "provider",
    provider,
    fingerprint: undefined,
    model: undefined,
  }),
};

/** Which party cools down after a verdict; undefined if the request is at fault. Failed attempts count against the model. */
function cooldownTarget(fault: Fault, key: Key, ref: ModelRef): CooldownTarget | undefined {
  switch (fault) {
    case "request":
    case "path":
      return undefined;
    case "lane":
      return targetOf.lane(key.fingerprint, ref);
    case "key":
      return targetOf.key(key);
    case "attempt":
    case "model":
      return targetOf.model(ref);
    case "provider":
      return targetOf.provider(key.provider);
  }
}

/**
 * Every party that cools down after a verdict. A silent lane stays out also if its model is blamed: the first answer of
 * another lane ends the model's cooldown, and says nothing of this one.
 */
export function cooldownTargets({ kind, fault }: Verdict, key: Key, ref: ModelRef): CooldownTarget[] {
  const target = cooldownTarget(fault, key, ref);
  if (target === undefined) return [];
  return kind === "silent" && target.scope !== "lane"
    ? [targetOf.lane(key.fingerprint, ref), target]
    : [target];
}

export interface Failure {
  verdict: Verdict;
  target: CooldownTarget;
  /** When the failed attempt was sent. */
  startedMs: number;
  nowMs: number;
  policy: CooldownPolicy;
  random: () => number;
}

/** The cooldown that follows a failure. A burst of parallel failures sets one cooldown, not a pile of them. */
export function nextCooldown(previous: Cooldown | undefined, failure: Failure): Cooldown {
  const { verdict, target, startedMs, nowMs } = failure;
  const { kind, status, message, waitMs: declaredMs } = verdict;
  const sameBurst = previous !== undefined && isSameBurst(previous, startedMs);
  const inARow = previous !== undefined && isSameSort(previous.kind, kind) ? previous.failures : 0;
  const failures = sameBurst ? Math.max(1, inARow) : inARow + 1;
  const { waitMs, isDeclared } = cooldownLength(failure, failures);
  // A latecomer of a burst has nothing new to say of the end, unless the provider names one.
  const fromMs = sameBurst && inARow > 0 && declaredMs === undefined ? previous.sinceMs : nowMs;
  const endMs = waitMs === 0 ? 0 : Math.min(fromMs + waitMs, NEVER_MS);
  if (sameBurst && endMs <= previous.untilMs) return previous;
  // Nor does a probe that fails without a word make a declared cooldown shorter.
  const isHeldLonger =
    previous !== undefined &&
    declaredMs === undefined &&
    previous.untilMs > nowMs &&
    previous.untilMs > endMs;
  const end = isHeldLonger
    ? { untilMs: previous.untilMs, isDeclared: previous.isDeclared }
    : { untilMs: endMs, isDeclared };
  return { ...target, kind, status, message, sinceMs: nowMs, failures, ...end };
}

/** Clocks of processes and machines differ a little; a time further ahead is of a clock that was wrong. */
const AHEAD_MS = 60_000;

/** A cooldown that was set before the clock was set back, as long as it was meant to be, from now on. */
export function notFromLater(cooldown: Cooldown, nowMs: number): Cooldown {
  const aheadMs = cooldown.sinceMs - nowMs;
  if (aheadMs <= AHEAD_MS) return cooldown;
  const untilMs =
    cooldown.untilMs === 0 || cooldown.untilMs >= NEVER_MS ? cooldown.untilMs : cooldown.untilMs - aheadMs;
  return { ...cooldown, sinceMs: nowMs, untilMs };
}

/** Whether the failed attempt was under way before its party's cooldown began. A mere count may be added to at once. */
function isSameBurst(previous: Cooldown, startedMs: number): boolean {
  return previous.untilMs > 0 ? startedMs <= previous.sinceMs : startedMs < previous.sinceMs;
}

/** Only failures of one sort are counted in a row: a used-up quota does not make the next 401 the second one. */
function isSameSort(a: VerdictKind, b: VerdictKind): boolean {
  return a === b || (a in FAILURES_TO_MODEL && b in FAILURES_TO_MODEL);
}

/** What may befall an answer in its middle: the beginning of another does not prove that it is over. */
const BREAKS: ReadonlySet<VerdictKind> = new Set(["reset", "timeout", "server-error"]);

/**
 * What is left of a cooldown once its party has begun to answer: nothing, or, where answers have been breaking off, the
 * count of that until one of them is whole.
 */
export function cooldownWhileAnswering(cooldown: Cooldown): Cooldown | undefined {
  return BREAKS.has(cooldown.kind) ? { ...cooldown, untilMs: 0 } : undefined;
}

/** How long a cooldown is, and whether that is what the provider said. */
interface CooldownLength {
  waitMs: number;
  isDeclared: boolean;
}

function cooldownLength(failure: Failure, failures: number): CooldownLength {
  const { verdict, random } = failure;
  const declaredMs =
    verdict.waitMs === undefined
      ? undefined
      : jitterUp(Math.min(Math.max(verdict.waitMs, WAITS.shortest), WAITS.longest), random);
  const waitMs = cooldownMs(failure, failures, declaredMs);
  return { waitMs, isDeclared: declaredMs !== undefined && waitMs === declaredMs };
}

function cooldownMs({ verdict, policy }: Failure, failures: number, declared: number | undefined): number {
  switch (verdict.kind) {
    case "subscription":
      return policy.failWindowMs;
    case "payment":
    case "quota":
      return declared ?? policy.failWindowMs;
    case "rate-limit":
      return (
        declared ?? grow(policy.cooldown.baseMs, policy.cooldown.factor, policy.cooldown.maxMs, failures)
      );
    case "concurrency":
      return declared ?? grow(WAITS.concurrency, 2, WAITS.concurrencyMax, failures);
    case "auth":
      return failures >= AUTH_FAILURES_TO_DEAD ? NEVER_MS : policy.failWindowMs;
    case "forbidden":
      return declared ?? WAITS.forbidden;
    case "model-not-found":
      return verdict.status === 410 ? WAITS.gone : WAITS.notFound;
    case "silent":
      return WAITS.silent;
    case "overloaded":
    case "server-error":
    case "timeout":
    case "reset":
      return softCooldownMs(verdict, failures, declared);
    case "path-not-found":
    case "overflow":
    case "output-limit":
    case "unsupported":
    case "bad-request":
    case "content-policy":
      return 0;
  }
}

/** After attempt-level failures the model cools down only when they come in a row, or when the reply itself blames the model. */
function softCooldownMs(verdict: Verdict, failures: number, declared: number | undefined): number {
  const needed = verdict.fault === "model" ? 1 : (FAILURES_TO_MODEL[verdict.kind] ?? 1);
  if (declared !== undefined && (verdict.fault === "model" || verdict.fault === "lane")) {
    // A hint that has not helped is believed no more: it does not keep the cooldowns from growing.
    return Math.max(declared, failures > 1 ? grow(WAITS.softBase, 2, WAITS.softMax, failures - 1) : 0);
  }
  return failures < needed ? 0 : grow(WAITS.softBase, 2, WAITS.softMax, failures - needed + 1);
}

function grow(baseMs: number, factor: number, maxMs: number, step: number): number {
  return Math.min(maxMs, Math.round(baseMs * factor ** (step - 1)));
}

/** Jitter of a declared wait: never so much that a wait which is worth its while no longer is. */
const MOST_JITTER_MS = 2 * SECOND;

/** Up to a tenth more, never less: a crowd that was told the same second should not come back as one. */
function jitterUp(waitMs: number, random: () => number): number {
  return Math.round(waitMs + Math.min(waitMs / 10, MOST_JITTER_MS) * random());
}

/** The party of a cooldown, in the words of the control API. */
export interface CooldownParty {
  fingerprint: string | undefined;
  /** `provider/model-id`. */
  model: string | undefined;
  /** Only if the provider as a whole cools down. */
  provider: string | undefined;
}

/** A cooldown's party as it is shown to people. */
export function cooldownParty({ scope, provider, fingerprint, model }: CooldownTarget): CooldownParty {
  return {
    fingerprint,
    model: model === undefined ? undefined : formatModelRef({ provider, model }),
    provider: scope === "provider" ? provider : undefined,
  };
}

/** The key with this fingerprint. One secret may be a key of two providers; the model of a lane says which is meant. */
export function ownerOf<One extends { provider: string; fingerprint: string | undefined }>(
  { fingerprint, model }: CooldownParty,
  keys: readonly One[],
): One | undefined {
  const owners = keys.filter((key) => key.fingerprint === fingerprint);
  return owners.find((key) => model?.startsWith(`${key.provider}/`)) ?? owners[0];
}

/** Which cooldowns are meant: all of them, those of a key, those for a model, or those of one lane. */
export interface CooldownSelection {
  /** This one cooldown, and no other. */
  id?: string;
  fingerprint?: string;
  /** `provider/model-id`. */
  model?: string;
}

/** Whether a selection means this cooldown. A lane is also held by its model's cooldown, so that goes with it. */
export function isSelected(cooldown: CooldownTarget, { id, fingerprint, model }: CooldownSelection): boolean {
  if (id !== undefined) return cooldown.id === id;
  if (fingerprint !== undefined && cooldown.fingerprint !== fingerprint && cooldown.scope !== "model")
    return false;
  if (fingerprint !== undefined && model === undefined) return cooldown.fingerprint === fingerprint;
  return model === undefined || cooldownParty(cooldown).model === model;
}
