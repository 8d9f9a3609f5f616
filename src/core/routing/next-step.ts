import type { Key } from "../key.ts";
import { formatModelRef, type ModelRef } from "../model-ref.ts";
import { type Lane, lanesOf, restsOn, type Situation } from "./lane.ts";
import { laneId, type Progress, type WaitBudget } from "./progress.ts";
import { readyLane } from "./ready-lane.ts";
import { isGuessed, isSoft, type Rest, type RestPolicy } from "./rest.ts";
import { type Candidate, chooseKey, type Strategy, type StrategyContext } from "./strategy.ts";

/** What a request does next. */
export type Step =
  | { kind: "attempt"; ref: ModelRef; key: Key; probe: boolean }
  /** Until that time, or until something happens that frees a lane; `budget` is what the wait is charged to. */
  | { kind: "wait"; untilMs: number; budget: WaitBudget }
  | { kind: "give-up" };

/** All that the next step depends on. Nothing in it is changed by asking. */
export interface StepInput extends Situation {
  strategy: Strategy;
  contextOf: (provider: string) => StrategyContext;
  patienceMs: number;
  maxWaitMs: number;
  /** How long a request may stand in our own queue. */
  queueMs: number;
  /** By which a guessed rest is known. */
  cooldown: RestPolicy["cooldown"];
}

interface View {
  ref: ModelRef;
  lanes: readonly Lane[];
}

/** The next step of a request: a lane of the first model that has one, a wait, a probe, or the end. */
export function nextStep(input: StepInput): Step {
  const views: View[] = [];
  for (const [index, ref] of input.progress.targets.entries()) {
    const ready = readyLane(ref, input);
    if (ready !== undefined) return { kind: "attempt", ref, key: ready.key, probe: ready.rest !== undefined };
    const lanes = lanesOf(ref, input);
    views.push({ ref, lanes });
    const chosen = choose(ref, lanes, input);
    if (chosen !== undefined)
      return { kind: "attempt", ref, key: chosen.key, probe: chosen.rest !== undefined };
    const wait = index === 0 ? patientWait(ref, lanes, input) : undefined;
    if (wait !== undefined) return wait;
  }
  return lastWait(views, input) ?? lastResort(views, input);
}

/** Whether a model behind this one in the chain could take the request over now. */
export function canMoveOn(ref: ModelRef, input: Situation): boolean {
  const { targets } = input.progress;
  const at = targets.findIndex((target) => formatModelRef(target) === formatModelRef(ref));
  return targets.slice(at + 1).some((later) => lanesOf(later, input).some((lane) => lane.isFree));
}

/** Whether any lane but this one could take the request over now. */
export function hasOtherLane(key: Key, ref: ModelRef, input: Situation): boolean {
  const here = laneId(key, ref);
  return input.progress.targets.some((target) =>
    lanesOf(target, input).some((lane) => lane.isFree && laneId(lane.key, target) !== here),
  );
}

/** Something that may yet free a lane: at a time, or (without one) when a call ends. */
interface Hope {
  atMs: number | undefined;
  budget: WaitBudget;
  leftMs: number;
}

/** A wait for the model that was asked for beats moving on, unless it has just failed this request by itself. */
function patientWait(ref: ModelRef, lanes: readonly Lane[], input: StepInput): Step | undefined {
  const { progress } = input;
  if (progress.strained.has(formatModelRef(ref))) return undefined;
  const leftMs = input.patienceMs - progress.waitedMs.patience;
  return waitFor(
    lanes.map(({ freeAtMs }) => ({ atMs: freeAtMs, budget: "patience", leftMs })),
    input.nowMs,
  );
}

/** Nothing is free: the lanes that free themselves, if that is soon enough. */
function lastWait(views: readonly View[], input: StepInput): Step | undefined {
  const { waitedMs } = input.progress;
  const hopes = views
    .flatMap(({ lanes }) => lanes)
    .flatMap((lane): Hope | Hope[] => {
      if (isGuess(lane, input)) return guessedHope(lane.rest, input) ?? [];
      const budget = lane.isQueued ? "queue" : "rest";
      const wholeMs = lane.isQueued ? input.queueMs : input.maxWaitMs;
      return { atMs: lane.freeAtMs, budget, leftMs: wholeMs - waitedMs[budget] };
    });
  return waitFor(hopes, input.nowMs);
}

/**
 * How long a guess is believed, and waited for: half of the patience, so that the probe's own answer has the other half.
 */
const GUESS_HOLDS = { share: 0.5, leastMs: 1000 };

/** Whether nobody but us has named the end of this lane's rest. A rest that is short enough is sat out, guessed or not. */
function isGuess(lane: Lane, { nowMs, cooldown, maxWaitMs }: StepInput): lane is Lane & { rest: Rest } {
  const { rest } = lane;
  if (rest === undefined || rest.untilMs <= nowMs || rest.untilMs - rest.sinceMs < maxWaitMs) return false;
  return isGuessed(rest, cooldown);
}

/** Not its end is worth waiting for, only the time at which it may be asked whether it is true. */
function guessedHope(rest: Rest, input: StepInput): Hope | undefined {
  const { progress, nowMs, patienceMs, maxWaitMs } = input;
  const waitedMs = progress.waitedMs.rest;
  // Somebody is finding out: that is as good as any rest that has ended.
  if (input.probing.has(rest.id)) return { atMs: undefined, budget: "rest", leftMs: maxWaitMs - waitedMs };
  const atMs = hasProbed(progress) ? rest.untilMs : Math.min(rest.untilMs, askableMs(rest, input));
  if (atMs <= nowMs) return undefined;
  return { atMs, budget: "rest", leftMs: Math.min(maxWaitMs, patienceMs, guessHoldsMs(input)) - waitedMs };
}

function askableMs(rest: Rest, input: StepInput): number {
  return rest.sinceMs + guessHoldsMs(input);
}

function guessHoldsMs({ patienceMs }: StepInput): number {
  return Math.max(GUESS_HOLDS.share * patienceMs, GUESS_HOLDS.leastMs);
}

function hasProbed({ attempts }: Progress): boolean {
  return attempts.some((attempt) => attempt.probe && attempt.verdict !== undefined);
}

/** Until the first of them that has a time; what is freed earlier wakes the request by itself. */
function waitFor(hopes: readonly Hope[], nowMs: number): Step | undefined {
  const real = hopes.filter(({ atMs = nowMs, leftMs }) => leftMs > 0 && atMs - nowMs <= leftMs);
  const [first] = real.toSorted((a, b) => (a.atMs ?? nowMs) - (b.atMs ?? nowMs));
  if (first === undefined) return undefined;
  const untilMs = Math.min(...real.map(({ atMs, leftMs }) => atMs ?? nowMs + leftMs));
  return { kind: "wait", untilMs, budget: first.budget };
}

/**
 * Every lane rests for longer than anyone would wait: the soft one that frees first is asked once all the same. One
 * that only we think to be resting is asked even where it has just refused, if that is a while ago.
 */
function lastResort(views: readonly View[], input: StepInput): Step {
  const { progress } = input;
  if (hasProbed(progress)) return { kind: "give-up" };
  const asked = new Set(progress.attempts.map((attempt) => laneId(attempt.key, attempt.ref)));
  const [soft] = views
    .flatMap(({ ref, lanes }) => lanes.map((lane) => ({ ref, lane })))
    .filter(({ ref, lane }) => mayBeAsked(ref, lane, input))
    .filter(({ ref, lane }) =>
      isGuess(lane, input) ? askableMs(lane.rest, input) <= input.nowMs : !asked.has(laneId(lane.key, ref)),
    )
    .toSorted((a, b) => (a.lane.freeAtMs ?? 0) - (b.lane.freeAtMs ?? 0));
  if (soft === undefined) return { kind: "give-up" };
  return { kind: "attempt", ref: soft.ref, key: soft.lane.key, probe: true };
}

/** Whether all that holds a lane are rests that time heals, and nobody is finding out already. */
function mayBeAsked(ref: ModelRef, lane: Lane, input: StepInput): boolean {
  if (lane.rest === undefined || !lane.hasRoom) return false;
  return restsOn(lane.key, ref, input.health).every(
    (rest) => !input.probing.has(rest.id) && (isSoft(rest.kind) || rest.untilMs <= input.nowMs),
  );
}

function choose(ref: ModelRef, lanes: readonly Lane[], input: StepInput): Lane | undefined {
  const free = lanes.filter((lane) => lane.isFree);
  const again = free.find((lane) => laneId(lane.key, ref) === input.progress.again);
  if (again !== undefined) return again;
  if (free.length <= 1) return free[0];
  const candidates = free.map((lane) => candidate(lane, input));
  const chosen = chooseKey(input.strategy, candidates, input.contextOf(ref.provider));
  return free.find((lane) => lane.key === chosen?.key);
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
