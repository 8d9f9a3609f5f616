import type { Key } from "./key.ts";
import { type KeyLimits, type Load, slotFor } from "./load.ts";
import { formatModelRef, type ModelRef } from "./model-ref.ts";
import { isBarred, laneId, type Progress } from "./progress.ts";
import { isSoft, NEVER_MS, type Rest, restId } from "./rest.ts";
import { type Candidate, chooseKey, type Strategy, type StrategyContext } from "./strategy.ts";

/** What a request does next. */
export type Step =
  | { kind: "attempt"; ref: ModelRef; key: Key; probe: boolean; isLast: boolean }
  /** Until a time, or (without one) until a call ends; `patience` says which budget the wait is charged to. */
  | { kind: "wait"; ref: ModelRef; untilMs: number; patience: boolean }
  | { kind: "give-up" };

/** All that the next step depends on. Nothing in it is changed by asking. */
export interface StepInput {
  progress: Progress;
  keysOf: (provider: string) => readonly Key[];
  limitsOf: (provider: string) => KeyLimits;
  health: ReadonlyMap<string, Rest>;
  /** Rests that a probe is under way for: one request at a time finds out. */
  probing: ReadonlySet<string>;
  loads: ReadonlyMap<string, Load>;
  strategy: Strategy;
  contextOf: (provider: string) => StrategyContext;
  patienceMs: number;
  maxWaitMs: number;
  /** How long a request may stand in our own queue. */
  queueMs: number;
  nowMs: number;
}

/** One key's readiness for one model. */
interface Lane {
  key: Key;
  /** The rest that holds it, or that its use would probe. */
  rest: Rest | undefined;
  isFree: boolean;
  /** When it can be used; undefined when only the end of another call tells. */
  freeAtMs: number | undefined;
  /** Held back by our own pacing or cap, not by a refusal: it will be free, so the wait may be long. */
  isQueued: boolean;
}

interface View {
  ref: ModelRef;
  lanes: readonly Lane[];
}

/** The next step of a request: a lane of the first model that has one, a wait, a probe, or the end. */
export function nextStep(input: StepInput): Step {
  const { progress } = input;
  const open = progress.targets.filter((ref) => !progress.barredModels.has(formatModelRef(ref)));
  const views = open.map((ref) => ({ ref, lanes: lanesOf(ref, input) }));
  for (const [index, { ref, lanes }] of views.entries()) {
    const chosen = choose(ref, lanes, input);
    if (chosen !== undefined) {
      const isLast = !views.slice(index + 1).some((later) => later.lanes.some((lane) => lane.isFree));
      return { kind: "attempt", ref, key: chosen.key, probe: chosen.rest !== undefined, isLast };
    }
    const wait = index === 0 ? patientWait(ref, lanes, input) : undefined;
    if (wait !== undefined) return wait;
  }
  return lastWait(views, input) ?? lastResort(views, input);
}

/** A wait for the model that was asked for beats moving on, unless it has just failed this request by itself. */
function patientWait(ref: ModelRef, lanes: readonly Lane[], input: StepInput): Step | undefined {
  const { progress, nowMs } = input;
  if (progress.strained.has(formatModelRef(ref))) return undefined;
  const budgetMs = input.patienceMs - progress.patienceUsedMs;
  const atMs = Math.min(...lanes.map((lane) => freeAt(lane, nowMs)));
  if (budgetMs <= 0 || atMs - nowMs > budgetMs) return undefined;
  return { kind: "wait", ref, untilMs: waitUntil(atMs, nowMs, budgetMs), patience: true };
}

/** Nothing is free: the lane that frees itself first, if that is soon enough. */
function lastWait(views: readonly View[], input: StepInput): Step | undefined {
  const { progress, nowMs } = input;
  const soonest = views
    .flatMap(({ ref, lanes }) => lanes.map((lane) => ({ ref, lane, atMs: freeAt(lane, nowMs) })))
    .map((one) => ({
      ...one,
      budgetMs: (one.lane.isQueued ? input.queueMs : input.maxWaitMs) - progress.waitedMs,
    }))
    .filter((one) => one.budgetMs > 0 && one.atMs - nowMs <= one.budgetMs)
    .sort((a, b) => a.atMs - b.atMs)[0];
  if (soonest === undefined) return undefined;
  const untilMs = waitUntil(soonest.atMs, nowMs, soonest.budgetMs);
  return { kind: "wait", ref: soonest.ref, untilMs, patience: false };
}

/** Every lane rests for longer than anyone would wait: the soft one that frees first is asked once all the same. */
function lastResort(views: readonly View[], input: StepInput): Step {
  const { progress } = input;
  const asked = new Set(progress.attempts.map((attempt) => laneId(attempt.key, attempt.ref)));
  const soft = views
    .flatMap(({ ref, lanes }) => lanes.map((lane) => ({ ref, lane })))
    .filter(
      ({ ref, lane }) =>
        lane.rest !== undefined && isSoft(lane.rest.kind) && !asked.has(laneId(lane.key, ref)),
    )
    .filter(({ lane }) => lane.rest !== undefined && !input.probing.has(lane.rest.id))
    .sort((a, b) => (a.lane.rest?.untilMs ?? 0) - (b.lane.rest?.untilMs ?? 0))[0];
  const alreadyProbed = progress.attempts.some((attempt) => attempt.probe && attempt.verdict !== undefined);
  if (soft === undefined || alreadyProbed) return { kind: "give-up" };
  return { kind: "attempt", ref: soft.ref, key: soft.lane.key, probe: true, isLast: true };
}

/** The lanes of a model that this request has not ruled out. */
function lanesOf(ref: ModelRef, input: StepInput): Lane[] {
  return input
    .keysOf(ref.provider)
    .filter((key) => key.enabled && !isBarred(input.progress, key, ref))
    .map((key) => laneView(ref, key, input));
}

function laneView(ref: ModelRef, key: Key, input: StepInput): Lane {
  const { nowMs } = input;
  const rest = heaviestRest(key, ref, input.health);
  if (rest !== undefined && rest.untilMs > nowMs) {
    return { key, rest, isFree: false, freeAtMs: rest.untilMs, isQueued: false };
  }
  if (rest !== undefined && input.probing.has(rest.id)) {
    return { key, rest, isFree: false, freeAtMs: undefined, isQueued: false };
  }
  const slot = slotFor(input.loads.get(key.fingerprint), input.limitsOf(ref.provider), nowMs);
  if (slot.kind === "now") return { key, rest, isFree: true, freeAtMs: nowMs, isQueued: false };
  const freeAtMs = slot.kind === "at" ? slot.atMs : undefined;
  return { key, rest: undefined, isFree: false, freeAtMs, isQueued: true };
}

/** Of the rests that cover a lane the one that ends last. A mere count of failures is no rest. */
function heaviestRest(key: Key, ref: ModelRef, health: ReadonlyMap<string, Rest>): Rest | undefined {
  if (health.size === 0) return undefined;
  let heaviest: Rest | undefined;
  for (const id of restIdsOf(key, ref)) {
    const rest = health.get(id);
    if (rest !== undefined && rest.untilMs > (heaviest?.untilMs ?? 0)) heaviest = rest;
  }
  return heaviest;
}

/** The ids of all rests that can cover a lane. */
export function restIdsOf(key: Key, ref: ModelRef): string[] {
  return [
    restId.lane(key.fingerprint, ref),
    restId.key(key.fingerprint),
    restId.model(ref),
    restId.provider(ref.provider),
  ];
}

function choose(ref: ModelRef, lanes: readonly Lane[], input: StepInput): Lane | undefined {
  const free = lanes.filter((lane) => lane.isFree);
  // A lane that has to be probed comes after those known to be good.
  const sound = free.filter((lane) => lane.rest === undefined);
  const pool = sound.length > 0 ? sound : free;
  if (pool.length <= 1) return pool[0];
  const candidates = pool.map((lane) => candidate(lane, input));
  const chosen = chooseKey(input.strategy, candidates, input.contextOf(ref.provider));
  return pool.find((lane) => lane.key === chosen?.key);
}

function candidate(lane: Lane, input: StepInput): Candidate {
  const load = input.loads.get(lane.key.fingerprint);
  const own = input.strategy === "least-failures" ? restsOfKey(lane.key, input) : [];
  return {
    key: lane.key,
    rests: own.length,
    restMs: own.reduce((sum, rest) => sum + rest.untilMs - input.nowMs, 0),
    inFlight: load?.inFlight ?? 0,
    lastUsedMs: load?.lastUsedMs ?? 0,
  };
}

function restsOfKey(key: Key, input: StepInput): Rest[] {
  const prefix = `lane ${key.fingerprint} `;
  return [...input.health.values()].filter(
    (rest) => rest.untilMs > input.nowMs && rest.id.startsWith(prefix),
  );
}

/** A lane whose time is unknown may be freed by the end of any call: worth waiting for as long as the budget goes. */
function freeAt(lane: Lane, nowMs: number): number {
  return lane.freeAtMs ?? nowMs;
}

function waitUntil(atMs: number, nowMs: number, budgetMs: number): number {
  return atMs <= nowMs ? nowMs + budgetMs : Math.min(atMs, NEVER_MS);
}
