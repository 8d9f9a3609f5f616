import type { Key } from "../key.ts";
import { formatModelRef, type ModelRef } from "../model-ref.ts";
import { type Standing, UNKNOWN_STANDING } from "../quota/rank.ts";
import type { VerdictKind } from "../verdict/verdict.ts";
import { type Cooldown, isSoft, NEVER_MS } from "./cooldown.ts";
import { cooldownsOn, type Lane, laneOf, lanesOf, probeId, readyLane, type Situation } from "./lane.ts";
import { isExcluded, laneId, mayRetry, type Progress, retryLeftMs, type WaitBudget } from "./progress.ts";
import { type Candidate, chooseKey, type Strategy, type StrategyContext } from "./session.ts";

export type Step =
  | { kind: "attempt"; ref: ModelRef; key: Key; probe: boolean; isLastResort: boolean }
  /** Until that time, or until an event frees a lane; `budget` is what the wait is charged to. */
  | { kind: "wait"; untilMs: number; budget: WaitBudget; waitsFor: AwaitedLane }
  | { kind: "give-up" };

export interface AwaitedLane {
  ref: ModelRef;
  key: Key;
  /** `busy`: it has no free slot. */
  why: VerdictKind | "busy";
}

/** Everything that the next step depends on. `nextStep` does not change it. */
export interface StepInput extends Situation {
  strategy: Strategy;
  contextOf: (provider: string) => StrategyContext;
  patienceMs: number;
  /** How long a request may wait in our own queue. */
  queueMs: number;
  /** How long a request may wait for a reset if every key is used up. */
  holdMs: number;
  /** The standing of a key's quota. */
  standingOf: (key: Key, ref: ModelRef) => Standing;
}

interface View {
  ref: ModelRef;
  lanes: readonly Lane[];
}

interface RefLane {
  ref: ModelRef;
  lane: Lane;
}

/**
 * Free lanes first, in the order of the models; waiting instead is worth it only for the requested model. Then lanes
 * that failed softly, when their pauses are over.
 */
export function nextStep(input: StepInput): Step {
  const repeated = repeat(input);
  if (repeated !== undefined) return repeated;
  const { targets } = input.progress;
  const views: View[] = [];
  for (const ref of inOrder(input.progress)) {
    const ready = readyLane(ref, input);
    if (ready !== undefined) return attempt({ ref, lane: ready });
    const lanes = lanesOf(ref, input);
    views.push({ ref, lanes });
    const chosen = choose(ref, lanes, input);
    if (chosen !== undefined) return attempt({ ref, lane: chosen });
    const wait = ref === targets[0] ? patientWait(ref, lanes, input) : undefined;
    if (wait !== undefined) return wait;
  }
  const lanes = views.flatMap((view) => view.lanes.map((lane) => ({ ref: view.ref, lane })));
  const step = retry(lanes, input) ?? lastWait(lanes, input) ?? lastResort(lanes, input);
  return step.kind === "give-up" ? (hold(input) ?? step) : step;
}

/**
 * Whether a silent call may be abandoned: only for a lane that has not failed this request. Between two slow lanes the
 * request would go back and forth without an answer.
 */
export function hasUntriedLane(key: Key, ref: ModelRef, input: Situation): boolean {
  const here = laneId(key, ref);
  return input.progress.targets.some((target) =>
    lanesOf(target, input).some(
      (lane) =>
        lane.pause === undefined && laneId(lane.key, target) !== here && isAskable(target, lane, input),
    ),
  );
}

/** Free, or covered only by older failures of other lanes of its model. */
function isAskable(ref: ModelRef, lane: Lane, { cooldowns, nowMs }: Situation): boolean {
  if (lane.isFree) return true;
  if (!lane.hasRoom || lane.retryAtMs === undefined || lane.retryAtMs > nowMs) return false;
  return !hasOwnCooldown({ ref, lane }, { cooldowns, nowMs });
}

/** Whether another model has a lane that could still answer this request, now or within its waits. */
export function hasOtherModel(ref: ModelRef, input: Situation): boolean {
  const model = formatModelRef(ref);
  return input.progress.targets.some(
    (target) =>
      formatModelRef(target) !== model &&
      lanesOf(target, input).some(
        (lane) => !isHeldHard(target, lane, input) && lane.pause?.untilMs !== NEVER_MS,
      ),
  );
}

function isHeldHard(ref: ModelRef, lane: Lane, { cooldowns, nowMs }: Situation): boolean {
  return cooldownsOn(lane.key, ref, cooldowns).some(({ kind, untilMs }) => untilMs > nowMs && !isSoft(kind));
}

function inOrder({ targets, avoidedModels }: Progress): readonly ModelRef[] {
  if (avoidedModels.size === 0) return targets;
  const isAvoided = (ref: ModelRef): boolean => avoidedModels.has(formatModelRef(ref));
  return [...targets.filter((ref) => !isAvoided(ref)), ...targets.filter(isAvoided)];
}

function attempt({ ref, lane }: RefLane, isLastResort = false): Step {
  return { kind: "attempt", ref, key: lane.key, probe: lane.cooldown !== undefined, isLastResort };
}

/** The lane that is repeated before any other, after its short pause; undefined if it is held. */
function repeat(input: StepInput): Step | undefined {
  const { progress, nowMs } = input;
  if (progress.again === undefined) return undefined;
  const found = laneWithId(progress.again, input);
  if (found === undefined) return undefined;
  const { ref, lane } = found;
  const untilMs = lane.pause?.untilMs ?? nowMs;
  const isCooling = lane.cooldown !== undefined && lane.cooldown.untilMs > nowMs;
  if (!lane.hasRoom || isCooling) return undefined;
  if (untilMs <= nowMs) return attempt(found);
  const waitsFor = { ref, key: lane.key, why: heldBy(lane) };
  return { kind: "wait", untilMs, budget: "cooldown", waitsFor };
}

function laneWithId(id: string, input: StepInput): RefLane | undefined {
  for (const ref of input.progress.targets) {
    const key = input.keysOf(ref.provider).find((one) => laneId(one, ref) === id);
    if (key === undefined || !key.enabled || isExcluded(input.progress, key, ref)) continue;
    return { ref, lane: laneOf(ref, key, input) };
  }
  return undefined;
}

/** Something that may free a lane: at a time, or (without one) when a call ends. */
interface WaitOption extends RefLane {
  atMs: number | undefined;
  budget: WaitBudget;
  leftMs: number;
}

/** A wait for the requested model beats a fallback, unless the model has just failed this request. */
function patientWait(ref: ModelRef, lanes: readonly Lane[], input: StepInput): Step | undefined {
  const { progress } = input;
  const model = formatModelRef(ref);
  if (progress.strained.has(model) || progress.avoidedModels.has(model)) return undefined;
  const leftMs = input.patienceMs - progress.waitedMs.patience;
  return waitFor(
    lanes
      .filter((lane) => lane.pause?.isDemoting !== true)
      .map((lane) => ({ ref, lane, atMs: lane.freeAtMs, budget: "patience", leftMs })),
    input.nowMs,
  );
}

/**
 * Of the lanes that may be tried again, the one with the fewest failures; a mere cooldown is not a failure. A lane held
 * only by failures of others gets one attempt, however late.
 */
function retry(lanes: readonly RefLane[], input: StepInput): Step | undefined {
  const { progress, maxWaitMs, nowMs } = input;
  const isInTime = mayRetry(progress, maxWaitMs);
  const [first] = lanes
    .filter(({ lane }) => lane.hasRoom && lane.retryAtMs !== undefined && lane.retryAtMs <= nowMs)
    .filter(({ ref, lane }) => isInTime || (lane.pause === undefined && isAskable(ref, lane, input)))
    .toSorted(
      (a, b) =>
        failuresOf(a.lane) - failuresOf(b.lane) ||
        Number(hasOwnCooldown(a, input)) - Number(hasOwnCooldown(b, input)) ||
        endOf(a.lane) - endOf(b.lane),
    );
  return first && attempt(first);
}

/** Whether the lane itself has failed, and not only others of its model. */
function hasOwnCooldown(
  { ref, lane }: RefLane,
  { cooldowns, nowMs }: Pick<Situation, "cooldowns" | "nowMs">,
): boolean {
  return cooldownsOn(lane.key, ref, cooldowns).some(
    ({ scope, untilMs }) => untilMs > nowMs && (scope === "lane" || scope === "key"),
  );
}

function failuresOf({ pause }: Lane): number {
  return pause?.failures ?? 0;
}

function endOf({ freeAtMs, pause }: Lane): number {
  return pause?.untilMs ?? freeAtMs ?? 0;
}

/** No lane may be tried now: wait for those that may be soon enough. */
function lastWait(lanes: readonly RefLane[], input: StepInput): Step | undefined {
  const { progress, maxWaitMs, queueMs } = input;
  const options = lanes.map(({ ref, lane }): WaitOption => {
    const atMs = lane.retryAtMs;
    if (lane.isQueued) return { ref, lane, atMs, budget: "queue", leftMs: queueMs - progress.waitedMs.queue };
    return { ref, lane, atMs, budget: "cooldown", leftMs: retryLeftMs(progress, maxWaitMs) };
  });
  return waitFor(options, input.nowMs);
}

/** Waits for the earliest time; an earlier release wakes the request. */
function waitFor(options: readonly WaitOption[], nowMs: number): Step | undefined {
  const real = options.filter(({ atMs = nowMs, leftMs }) => leftMs > 0 && atMs - nowMs <= leftMs);
  const [first] = real.toSorted((a, b) => (a.atMs ?? nowMs) - (b.atMs ?? nowMs));
  if (first === undefined) return undefined;
  const untilMs = Math.min(...real.map(({ atMs, leftMs }) => atMs ?? nowMs + leftMs));
  const waitsFor = { ref: first.ref, key: first.lane.key, why: heldBy(first.lane) };
  return { kind: "wait", untilMs, budget: first.budget, waitsFor };
}

/** The cause with the latest end. */
function heldBy({ cooldown, pause, isQueued }: Lane): VerdictKind | "busy" {
  if (isQueued) return "busy";
  if (cooldown === undefined || (pause?.untilMs ?? 0) > cooldown.untilMs) return pause?.kind ?? "busy";
  return cooldown.kind;
}

/**
 * Every lane is held for too long: the soft one that is free first is tried once, unless this request has already tried
 * it.
 */
function lastResort(lanes: readonly RefLane[], input: StepInput): Step {
  const { progress } = input;
  if (progress.attempts.some((one) => one.isLastResort)) return { kind: "give-up" };
  const asked = new Set(progress.attempts.map(({ key, ref }) => laneId(key, ref)));
  const [soft] = lanes
    .filter(({ ref, lane }) => !asked.has(laneId(lane.key, ref)) && mayBeAsked(ref, lane, input))
    .toSorted((a, b) => (a.lane.freeAtMs ?? 0) - (b.lane.freeAtMs ?? 0));
  return soft === undefined ? { kind: "give-up" } : attempt(soft, true);
}

/** Failures that a reset ends, if the provider or its quota names the time. */
const ENDED_BY_RESET: ReadonlySet<VerdictKind> = new Set([
  "quota",
  "rate-limit",
  "concurrency",
  "subscription",
]);

/** How long a rejection waits for a quota reading if it names no end, or one that is too far. */
const READING_MS = 20_000;

/**
 * Every key is used up: wait for the first known reset, if the request may wait that long. Lanes that this request has
 * excluded count, too.
 */
function hold(input: StepInput): Step | undefined {
  const { progress, holdMs, nowMs } = input;
  const leftMs = holdMs - progress.waitedMs.hold;
  if (leftMs <= 0) return undefined;
  const [first] = progress.targets
    .filter((ref) => !progress.excludedModels.has(formatModelRef(ref)))
    .flatMap((ref) => input.keysOf(ref.provider).flatMap((key) => heldUntil(ref, key, leftMs, input) ?? []))
    .toSorted((a, b) => a.untilMs - b.untilMs);
  if (first === undefined || first.untilMs - nowMs > leftMs) return undefined;
  return { kind: "wait", budget: "hold", ...first };
}

/** When a used-up key is free again; undefined if something else holds it, or if no end is known. */
function heldUntil(
  ref: ModelRef,
  key: Key,
  leftMs: number,
  { cooldowns, nowMs }: StepInput,
): Pick<Extract<Step, { kind: "wait" }>, "untilMs" | "waitsFor"> | undefined {
  const lasting = cooldownsOn(key, ref, cooldowns).filter(({ untilMs }) => untilMs > nowMs);
  const ends = lasting.map(({ kind, status, isDeclared, sinceMs, untilMs }) => {
    if (isSoft(kind) && !isDeclared) return untilMs;
    if (!ENDED_BY_RESET.has(kind)) return undefined;
    if (isDeclared && untilMs - nowMs <= leftMs) return untilMs;
    // What was read itself has no status.
    return status !== 0 && nowMs - sinceMs < READING_MS ? sinceMs + READING_MS : undefined;
  });
  const [last] = lasting
    .filter(({ kind }) => ENDED_BY_RESET.has(kind))
    .toSorted((a, b) => b.untilMs - a.untilMs);
  if (!key.enabled || last === undefined || ends.includes(undefined)) return undefined;
  return {
    untilMs: Math.max(...ends.map((end) => end ?? 0)),
    waitsFor: { ref, key, why: last.kind },
  };
}

/** Whether only temporary cooldowns cover a lane, and no probe is testing them now. */
function mayBeAsked(ref: ModelRef, lane: Lane, input: StepInput): boolean {
  if (lane.cooldown === undefined || !lane.hasRoom) return false;
  return cooldownsOn(lane.key, ref, input.cooldowns).every(
    (cooldown) =>
      !input.probing.has(probeId(cooldown, lane.key)) &&
      (isSoft(cooldown.kind) || cooldown.untilMs <= input.nowMs || mayBeOver(cooldown, input.nowMs)),
  );
}

/**
 * Users change plans and credit outside orouter: a guessed end is checked again after this time, if nothing else is
 * left.
 */
const CHECK_AGAIN_MS = 60_000;

const CHANGED_OUTSIDE: ReadonlySet<VerdictKind> = new Set(["subscription", "payment", "quota", "forbidden"]);

function mayBeOver({ kind, isDeclared, sinceMs }: Cooldown, nowMs: number): boolean {
  return CHANGED_OUTSIDE.has(kind) && !isDeclared && nowMs - sinceMs >= CHECK_AGAIN_MS;
}

function choose(ref: ModelRef, lanes: readonly Lane[], input: StepInput): Lane | undefined {
  const free = lanes.filter((lane) => lane.isFree);
  if (free.length <= 1) return free[0];
  const candidates = free.map((lane) => candidate(ref, lane, input));
  const chosen = chooseKey(input.strategy, candidates, input.contextOf(ref.provider));
  return free.find((lane) => lane.key === chosen?.key);
}

function candidate(ref: ModelRef, lane: Lane, input: StepInput): Candidate {
  const load = input.loads.get(lane.key.fingerprint);
  const own = input.strategy === "least-failures" ? cooldownsOfKey(lane.key, input) : [];
  return {
    key: lane.key,
    cooldowns: own.length,
    cooldownMs: own.reduce((sum, cooldown) => sum + cooldown.untilMs - input.nowMs, 0),
    inFlight: load?.inFlight ?? 0,
    lastUsedMs: load?.lastUsedMs ?? 0,
    standing: input.strategy === "auto" ? input.standingOf(lane.key, ref) : UNKNOWN_STANDING,
  };
}

function cooldownsOfKey(key: Key, input: StepInput): Cooldown[] {
  return [...input.cooldowns.values()].filter(
    ({ scope, fingerprint, untilMs }) =>
      scope === "lane" && fingerprint === key.fingerprint && untilMs > input.nowMs,
  );
}
