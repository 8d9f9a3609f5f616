import type { Key } from "../key.ts";
import type { ModelRef } from "../model-ref.ts";
import { askableAtMs, type Cooldown, cooldownId, isSoft } from "./cooldown.ts";
import { type KeyLimits, type Load, type Slot, slotFor } from "./limits.ts";
import { isExcluded, type Pause, type Progress, pauseOf, retryLeftMs } from "./progress.ts";
import { keepsSessions, type Strategy, type StrategyContext } from "./session.ts";

/** One key's readiness for one model. */
export interface Lane {
  key: Key;
  /** The cooldown that holds it, or that its use would probe. */
  cooldown: Cooldown | undefined;
  /** This request's own pause of the lane, over or not. */
  pause: Pause | undefined;
  /** Ready, and no worse than any other lane. */
  isFree: boolean;
  /** When cooldowns and pauses are over; undefined when only the end of another call tells. */
  freeAtMs: number | undefined;
  /** When it may be asked where no lane is free; undefined when only the end of another call tells. */
  retryAtMs: number | undefined;
  /** Held back by our own pacing or cap, not by a refusal: it will be free, so the wait may be long. */
  isQueued: boolean;
  /** Whether pacing and cap would let it be used now. */
  hasRoom: boolean;
}

/** What a lane's readiness depends on. */
export interface Situation {
  progress: Progress;
  keysOf: (provider: string) => readonly Key[];
  limitsOf: (provider: string) => KeyLimits;
  cooldowns: ReadonlyMap<string, Cooldown>;
  /** Probes under way, by `probeId`, and since when: one request at a time finds out. */
  probing: ReadonlyMap<string, number>;
  loads: ReadonlyMap<string, Load>;
  maxWaitMs: number;
  nowMs: number;
}

/** The lanes of a model that this request has not ruled out. */
export function lanesOf(ref: ModelRef, situation: Situation): Lane[] {
  return situation
    .keysOf(ref.provider)
    .filter((key) => key.enabled && !isExcluded(situation.progress, key, ref))
    .map((key) => laneOf(ref, key, situation));
}

/** One key's readiness for a model. */
export function laneOf(ref: ModelRef, key: Key, situation: Situation): Lane {
  const { nowMs, progress } = situation;
  const cooldowns = cooldownsOn(key, ref, situation.cooldowns);
  const cooldown =
    cooldowns.length > 1 ? cooldowns.toSorted((a, b) => b.untilMs - a.untilMs)[0] : cooldowns[0];
  const pause = pauseOf(progress, key, ref);
  const slot = slotFor(situation.loads.get(key.fingerprint), situation.limitsOf(ref.provider), nowMs);
  const hasRoom = slot.kind === "now";
  const lane = { key, cooldown, pause, isFree: false, isQueued: false, hasRoom };
  const endMs = Math.max(cooldown?.untilMs ?? 0, pause?.untilMs ?? 0);
  const probeMs = probeEndMs(cooldowns, key, situation);
  if (endMs > nowMs || probeMs !== undefined) {
    const retryAtMs = laterOf(probeMs ?? retryTimeMs(ref, cooldowns, pause, situation), slot, nowMs);
    return { ...lane, freeAtMs: endMs > nowMs ? endMs : undefined, retryAtMs };
  }
  if (!hasRoom) {
    const atMs = slot.kind === "at" ? slot.atMs : undefined;
    return { ...lane, cooldown: undefined, isQueued: true, freeAtMs: atMs, retryAtMs: atMs };
  }
  return { ...lane, isFree: pause?.isDemoting !== true, freeAtMs: nowMs, retryAtMs: nowMs };
}

/** A lane that is askable but has no room has to wait for that, too. */
function laterOf(atMs: number, slot: Slot, nowMs: number): number | undefined {
  if (slot.kind === "now" || atMs > nowMs) return atMs;
  return slot.kind === "at" ? slot.atMs : undefined;
}

/** A probe that has not answered by then may be slow for reasons of its own: the next request finds out for itself. */
const PROBE_HOLDS_MS = 10_000;

/** Until when the probe of another request is waited for; undefined where none is under way. */
function probeEndMs(
  cooldowns: readonly Cooldown[],
  key: Key,
  { probing, nowMs }: Situation,
): number | undefined {
  if (probing.size === 0) return undefined;
  let endMs: number | undefined;
  for (const cooldown of cooldowns) {
    const sinceMs = probing.get(probeId(cooldown, key));
    // A clock that was set back must not make it last.
    if (sinceMs === undefined || nowMs - sinceMs >= PROBE_HOLDS_MS || sinceMs > nowMs) continue;
    endMs = Math.max(endMs ?? 0, sinceMs + PROBE_HOLDS_MS);
  }
  return endMs;
}

/** A guess is asked about before the time for trying is over, so that the last try is not lost to a wait. */
function retryTimeMs(
  ref: ModelRef,
  cooldowns: readonly Cooldown[],
  pause: Pause | undefined,
  situation: Situation,
): number {
  const { nowMs, progress, maxWaitMs } = situation;
  const lastMs = nowMs + retryLeftMs(progress, maxWaitMs);
  const times = cooldowns.map((cooldown) => {
    const isShared = cooldown.scope === "model" || cooldown.scope === "provider";
    const lanes = isShared ? situation.keysOf(ref.provider).length : 1;
    const atMs = askableAtMs(cooldown, progress.jitter, lanes);
    return cooldown.isDeclared || !isSoft(cooldown.kind) ? atMs : Math.min(atMs, lastMs);
  });
  return Math.max(pause?.untilMs ?? 0, ...times);
}

/** What a probe of a lane is known by. Where one holds many keys, a slow probe through one keeps no other key waiting. */
export function probeId({ id, scope }: Cooldown, key: Key): string {
  return scope === "model" || scope === "provider" ? `${id} by ${key.fingerprint}` : id;
}

const NONE: Cooldown[] = [];

/** The cooldowns that cover a lane, ended ones included. A mere count of failures is no cooldown. */
export function cooldownsOn(key: Key, ref: ModelRef, cooldowns: ReadonlyMap<string, Cooldown>): Cooldown[] {
  if (cooldowns.size === 0) return NONE;
  let found = NONE;
  for (const id of cooldownIdsOf(key, ref)) {
    const cooldown = cooldowns.get(id);
    // Most lanes have none, and the look is taken at every one.
    if (cooldown !== undefined && cooldown.untilMs !== 0)
      found = found === NONE ? [cooldown] : [...found, cooldown];
  }
  return found;
}

/** The ids of all cooldowns that can cover a lane. */
export function cooldownIdsOf(key: Key, ref: ModelRef): string[] {
  return [
    cooldownId.lane(key.fingerprint, ref),
    cooldownId.key(key.fingerprint),
    cooldownId.model(ref),
    cooldownId.provider(ref.provider),
    cooldownId.quota(ref.provider, key.fingerprint, "all"),
    cooldownId.quota(ref.provider, key.fingerprint, ref.model.endsWith(":free") ? "free" : "paid"),
    cooldownId.budget(ref.provider, key.fingerprint),
  ];
}

/** What the short way to a lane depends on. */
export interface ReadyInput extends Situation {
  strategy: Strategy;
  contextOf: (provider: string) => StrategyContext;
}

/** Looking at all of so few keys costs no more than drawing from them. */
const FEW_KEYS = 8;

/** Draws before all keys are looked at. */
const DRAWS = 12;

/**
 * The lane that the strategy would choose among all lanes of a model, where it can be told without looking at each: of
 * a thousand keys the one of this session, or one drawn until it is fit. Undefined leaves the choice to the long way.
 */
export function readyLane(ref: ModelRef, input: ReadyInput): Lane | undefined {
  const { strategy, progress } = input;
  if (progress.again !== undefined || !(keepsSessions(strategy) || strategy === "random")) return undefined;
  const keys = input.keysOf(ref.provider);
  const context = input.contextOf(ref.provider);
  if (keepsSessions(strategy) && context.stuckTo !== undefined) {
    const key = keyWith(context.stuckTo, keys);
    const lane = key && freeLane(ref, key, input);
    if (lane !== undefined) return lane;
  }
  // Of keys with different quotas the best is looked for, not drawn.
  if (strategy === "auto") return undefined;
  // Only requests without a session may be assigned at random.
  if (keys.length <= FEW_KEYS || (strategy === "sticky" && context.session !== undefined)) return undefined;
  return drawnLane(ref, keys, input);
}

/** Every fit lane is as likely as in a draw among the fit ones alone. With `sticky` only an idle key is fit. */
function drawnLane(ref: ModelRef, keys: readonly Key[], input: ReadyInput): Lane | undefined {
  const { random } = input.contextOf(ref.provider);
  for (let draw = 0; draw < DRAWS; draw++) {
    const key = keys[Math.floor(random() * keys.length)];
    if (key === undefined) continue;
    const inFlight = input.loads.get(key.fingerprint)?.inFlight ?? 0;
    if (input.strategy === "sticky" && inFlight > 0) continue;
    const lane = freeLane(ref, key, input);
    if (lane !== undefined) return lane;
  }
  return undefined;
}

/** The key's lane if it is free. */
function freeLane(ref: ModelRef, key: Key, input: Situation): Lane | undefined {
  if (!key.enabled || isExcluded(input.progress, key, ref)) return undefined;
  const lane = laneOf(ref, key, input);
  return lane.isFree ? lane : undefined;
}

const indexes = new WeakMap<readonly Key[], ReadonlyMap<string, Key>>();

function keyWith(fingerprint: string, keys: readonly Key[]): Key | undefined {
  if (keys.length <= FEW_KEYS) return keys.find((key) => key.fingerprint === fingerprint);
  const index = indexes.get(keys) ?? new Map(keys.map((key) => [key.fingerprint, key]));
  indexes.set(keys, index);
  return index.get(fingerprint);
}
