import type { Key } from "../key.ts";
import { formatModelRef, type ModelRef } from "../model-ref.ts";
import type { ProviderWords } from "../scrub.ts";
import type { Fault, Verdict, VerdictKind } from "../verdict/verdict.ts";

/** Limits wait longer than brief faults: a provider that counts requests also counts those it rejects. */
const FIRST_MS: Partial<Record<VerdictKind, number>> = {
  "rate-limit": 2000,
  concurrency: 1000,
  overloaded: 1000,
};

/** A broken connection is retried before anyone notices. */
const USUAL_FIRST_MS = 300;

/**
 * Below the 10 s that opencode 2 waits at most, so that a lane is tried at least as often as the agent itself would try
 * it.
 */
const LONGEST_MS = 8000;

/** The random share of a wait, so that two requests that failed together do not retry together. */
const JITTER = 0.25;

/** The wait before a lane is tried again after a soft failure. `jitter` is from 0 to 1. */
export function backoffMs(kind: VerdictKind, failures: number, jitter: number): number {
  const fullMs = Math.min(LONGEST_MS, (FIRST_MS[kind] ?? USUAL_FIRST_MS) * 2 ** (failures - 1));
  return Math.round(fullMs * (1 - JITTER + JITTER * jitter));
}

/** Smallest first. */
export type CooldownScope = "lane" | "key" | "model" | "provider";

export interface CooldownTarget {
  /** Identifies the party. Never parsed: the other fields contain its parts. */
  id: string;
  scope: CooldownScope;
  provider: string;
  /** Undefined for a model or a provider. */
  fingerprint: string | undefined;
  /** The provider's own id of the model; undefined for a key or a provider. */
  model: string | undefined;
}

/** `untilMs` in the past: the next use is a probe. */
export interface Cooldown extends CooldownTarget {
  kind: VerdictKind;
  status: number;
  message: ProviderWords;
  /** When the cooldown was set: a failure whose attempt began before this does not deepen it. */
  sinceMs: number;
  /** 0 while failures are only counted; `NEVER_MS` for a key that stays rejected until it changes. */
  untilMs: number;
  /** Consecutive failures, which decide the length of guessed cooldowns. */
  failures: number;
  /** Whether the provider named the end. If nothing else is left, a guessed end is probed early. */
  isDeclared: boolean;
}

export interface CooldownPolicy {
  failWindowMs: number;
  cooldown: { baseMs: number; factor: number; maxMs: number };
}

/** The last moment a Date can represent, for a cooldown that only a changed key ends. */
export const NEVER_MS = 8_640_000_000_000_000;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * Waits that are not settings. They come from provider habits, or from scenario S15 (use a recovered model again within
 * 30 s).
 */
const WAITS = {
  concurrency: 2 * SECOND,
  concurrencyMax: 10 * SECOND,
  forbidden: 10 * MINUTE,
  notFound: 12 * HOUR,
  gone: 7 * 24 * HOUR,
  softBase: 4 * SECOND,
  softMax: 25 * SECOND,
  /** NIM's DEGRADED functions stay down for minutes; the maximum is the same for all, so that S15 holds. */
  silent: 25 * SECOND,
  /** "Retry-After: 0" in a rejection does not mean that a retry helps at once. */
  shortest: SECOND,
  longest: 30 * 24 * HOUR,
};

/** How many consecutive attempt-level failures put the model at fault. */
const FAILURES_TO_MODEL: Partial<Record<VerdictKind, number>> = {
  overloaded: 2,
  "server-error": 3,
  timeout: 2,
  reset: 3,
};

/** A key rejected as unauthorised this often in a row stays unused until it changes. */
const AUTH_FAILURES_TO_DEAD = 2;

/** Failures that pass by themselves: if nothing else is left, such a lane may be probed. */
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
 * When a lane in cooldown may be probed if nothing better is left. Declared ends and hard failures are respected. A
 * guessed end of a soft failure is probed earlier, at growing intervals; if it covers several lanes, each has its own
 * interval, so that one good lane among many is found in time.
 */
export function askableAtMs(cooldown: Cooldown, jitter: number, lanes: number): number {
  const { kind, sinceMs, untilMs, failures, isDeclared } = cooldown;
  if (isDeclared || !isSoft(kind)) return untilMs;
  const waitMs = backoffMs(kind, Math.max(1, failures), jitter) / Math.max(1, lanes);
  return Math.min(untilMs, sinceMs + Math.max(SHORTEST_DISTANCE_MS, Math.round(waitMs)));
}

/** The shortest interval between two probes of one cooldown, however many lanes it covers. */
const SHORTEST_DISTANCE_MS = 200;

export const cooldownId = {
  lane: (fingerprint: string, ref: ModelRef): string => `lane ${fingerprint} ${formatModelRef(ref)}`,
  key: (fingerprint: string): string => `key ${fingerprint}`,
  model: (ref: ModelRef): string => `model ${formatModelRef(ref)}`,
  provider: (provider: string): string => `provider ${provider}`,
  /** A used-up quota that was read, for a class of the key's models. */
  quota: (provider: string, fingerprint: string, models: string): string =>
    `quota ${provider} ${fingerprint} ${models}`,
  /** A limit that the user set. */
  budget: (provider: string, fingerprint: string): string => `budget ${provider} ${fingerprint}`,
};

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

/** The cooldown after a failure. A burst of parallel failures sets one cooldown. */
export function nextCooldown(previous: Cooldown | undefined, failure: Failure): Cooldown {
  const { verdict, target, startedMs, nowMs } = failure;
  const { kind, status, message, waitMs: declaredMs } = verdict;
  const sameBurst = previous !== undefined && isSameBurst(previous, startedMs);
  const inARow = previous !== undefined && isSameSort(previous.kind, kind) ? previous.failures : 0;
  const failures = sameBurst ? Math.max(1, inARow) : inARow + 1;
  const { waitMs, isDeclared } = cooldownLength(failure, failures);
  // A late failure of a burst does not move the end, unless the provider names one.
  const fromMs = sameBurst && inARow > 0 && declaredMs === undefined ? previous.sinceMs : nowMs;
  const endMs = waitMs === 0 ? 0 : Math.min(fromMs + waitMs, NEVER_MS);
  if (sameBurst && endMs <= previous.untilMs) return previous;
  // A failed probe without a declared end does not shorten a declared cooldown.
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

/** Clocks of processes and machines differ slightly; a time further ahead was set by a wrong clock. */
const AHEAD_MS = 60_000;

/** A cooldown set before the clock was set back keeps its length, from now on. */
export function notFromLater(cooldown: Cooldown, nowMs: number): Cooldown {
  const aheadMs = cooldown.sinceMs - nowMs;
  if (aheadMs <= AHEAD_MS) return cooldown;
  const untilMs =
    cooldown.untilMs === 0 || cooldown.untilMs >= NEVER_MS ? cooldown.untilMs : cooldown.untilMs - aheadMs;
  return { ...cooldown, sinceMs: nowMs, untilMs };
}

/** True if the failed attempt started before the cooldown did. A mere count may grow at once. */
function isSameBurst(previous: Cooldown, startedMs: number): boolean {
  return previous.untilMs > 0 ? startedMs <= previous.sinceMs : startedMs < previous.sinceMs;
}

/** Only similar failures count in a row: a used-up quota does not make the next 401 the second one. */
function isSameSort(a: VerdictKind, b: VerdictKind): boolean {
  return a === b || (a in FAILURES_TO_MODEL && b in FAILURES_TO_MODEL);
}

/** Failures in the middle of an answer: the beginning of another answer does not prove that they are over. */
const BREAKS: ReadonlySet<VerdictKind> = new Set(["reset", "timeout", "server-error"]);

/**
 * What remains of a cooldown when its party begins to answer: nothing, or, after broken answers, their count until one
 * is complete.
 */
export function cooldownWhileAnswering(cooldown: Cooldown): Cooldown | undefined {
  return BREAKS.has(cooldown.kind) ? { ...cooldown, untilMs: 0 } : undefined;
}

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

/**
 * After attempt-level failures the model cools down only if they are consecutive, or if the reply itself blames the
 * model.
 */
function softCooldownMs(verdict: Verdict, failures: number, declared: number | undefined): number {
  const needed = verdict.fault === "model" ? 1 : (FAILURES_TO_MODEL[verdict.kind] ?? 1);
  if (declared !== undefined && (verdict.fault === "model" || verdict.fault === "lane")) {
    // A declared wait that did not help must not keep the cooldown from growing.
    return Math.max(declared, failures > 1 ? grow(WAITS.softBase, 2, WAITS.softMax, failures - 1) : 0);
  }
  return failures < needed ? 0 : grow(WAITS.softBase, 2, WAITS.softMax, failures - needed + 1);
}

function grow(baseMs: number, factor: number, maxMs: number, step: number): number {
  return Math.min(maxMs, Math.round(baseMs * factor ** (step - 1)));
}

/** The maximum jitter of a declared wait, small enough that the wait stays within its budget. */
const MOST_JITTER_MS = 2 * SECOND;

/** Up to a tenth more, never less: requests that were told the same time should not all return at once. */
function jitterUp(waitMs: number, random: () => number): number {
  return Math.round(waitMs + Math.min(waitMs / 10, MOST_JITTER_MS) * random());
}

/** The party of a cooldown, in the names of the control API. */
export interface CooldownParty {
  fingerprint: string | undefined;
  /** `provider/model-id`. */
  model: string | undefined;
  /** Only if the whole provider cools down. */
  provider: string | undefined;
}

export function cooldownParty({ scope, provider, fingerprint, model }: CooldownTarget): CooldownParty {
  return {
    fingerprint,
    model: model === undefined ? undefined : formatModelRef({ provider, model }),
    provider: scope === "provider" ? provider : undefined,
  };
}

/** One secret may be a key of two providers; the model of a lane decides which is meant. */
export function ownerOf<One extends { provider: string; fingerprint: string | undefined }>(
  { fingerprint, model }: CooldownParty,
  keys: readonly One[],
): One | undefined {
  const owners = keys.filter((key) => key.fingerprint === fingerprint);
  return owners.find((key) => model?.startsWith(`${key.provider}/`)) ?? owners[0];
}

/** All cooldowns, those of a key, those of a model, or those of one lane. */
export interface CooldownSelection {
  /** Only this cooldown. */
  id?: string;
  fingerprint?: string;
  /** `provider/model-id`. */
  model?: string;
}

/** A lane is also covered by its model's cooldown, so that one is selected with it. */
export function isSelected(cooldown: CooldownTarget, { id, fingerprint, model }: CooldownSelection): boolean {
  if (id !== undefined) return cooldown.id === id;
  if (fingerprint !== undefined && cooldown.fingerprint !== fingerprint && cooldown.scope !== "model")
    return false;
  if (fingerprint !== undefined && model === undefined) return cooldown.fingerprint === fingerprint;
  return model === undefined || cooldownParty(cooldown).model === model;
}
