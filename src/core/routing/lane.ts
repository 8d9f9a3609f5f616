import type { Key } from "../key.ts";
import type { ModelRef } from "../model-ref.ts";
import { askableAtMs, type Cooldown, cooldownId, isSoft } from "./cooldown.ts";
import { type KeyLimits, type Load, type Slot, slotFor } from "./limits.ts";
import { isExcluded, type Pause, type Progress, pauseOf, retryLeftMs } from "./progress.ts";
import { keepsSessions, type Strategy, type StrategyContext } from "./session.ts";

export interface Lane {
  key: Key;
  /** The cooldown that covers the lane, active or over. */
  cooldown: Cooldown | undefined;
  /** This request's own pause of the lane, active or over. */
  pause: Pause | undefined;
  /** Ready, and not worse than any other lane. */
  isFree: boolean;
  /** When cooldowns and pauses end; undefined if only the end of another call decides. */
  freeAtMs: number | undefined;
  /** When the lane may be tried if none is free; undefined if only the end of another call decides. */
  retryAtMs: number | undefined;
  /** Held by our own pacing or limit, not by a rejection: it will be free, so the wait may be long. */
  isQueued: boolean;
  /** Whether pacing and limit allow a call now. */
  hasRoom: boolean;
}

export interface Situation {
  progress: Progress;
  keysOf: (provider: string) => readonly Key[];
  limitsOf: (provider: string) => KeyLimits;
  cooldowns: ReadonlyMap<string, Cooldown>;
  /** Probes in progress, by `probeId`, and their start: only one request at a time probes. */
  probing: ReadonlyMap<string, number>;
  loads: ReadonlyMap<string, Load>;
  maxWaitMs: number;
  nowMs: number;
}

/** The lanes of a model that this request has not excluded. */
export function lanesOf(ref: ModelRef, situation: Situation): Lane[] {
  return situation
    .keysOf(ref.provider)
    .filter((key) => key.enabled && !isExcluded(situation.progress, key, ref))
    .map((key) => laneOf(ref, key, situation));
}

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

/** A lane without a free slot has to wait for that, too. */
function laterOf(atMs: number, slot: Slot, nowMs: number): number | undefined {
  if (slot.kind === "now" || atMs > nowMs) return atMs;
  return slot.kind === "at" ? slot.atMs : undefined;
}

/** A slow probe holds the lane only this long; then the next request probes, too. */
const PROBE_HOLDS_MS = 10_000;

/** Until when the probe of another request is awaited; undefined if there is none. */
function probeEndMs(
  cooldowns: readonly Cooldown[],
  key: Key,
  { probing, nowMs }: Situation,
): number | undefined {
  if (probing.size === 0) return undefined;
  let endMs: number | undefined;
  for (const cooldown of cooldowns) {
    const sinceMs = probing.get(probeId(cooldown, key));
    // A clock that was set back must not extend this.
    if (sinceMs === undefined || nowMs - sinceMs >= PROBE_HOLDS_MS || sinceMs > nowMs) continue;
    endMs = Math.max(endMs ?? 0, sinceMs + PROBE_HOLDS_MS);
  }
  return endMs;
}

/** Probe a guessed end before the retry budget is over, so that the last attempt is not lost to a wait. */
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

/** Identifies a probe. If a cooldown covers many keys, a slow probe with one of them does not block the others. */
export function probeId({ id, scope }: Cooldown, key: Key): string {
  return scope === "model" || scope === "provider" ? `${id} by ${key.fingerprint}` : id;
}

const NONE: Cooldown[] = [];

/** The cooldowns that cover a lane, including ended ones. A mere count of failures is not a cooldown. */
export function cooldownsOn(key: Key, ref: ModelRef, cooldowns: ReadonlyMap<string, Cooldown>): Cooldown[] {
  if (cooldowns.size === 0) return NONE;
  let found = NONE;
  for (const id of cooldownIdsOf(key, ref)) {
    const cooldown = cooldowns.get(id);
    // Checked for every lane, and most have none.
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

/** The input of the short path. */
export interface ReadyInput extends Situation {
  strategy: Strategy;
  contextOf: (provider: string) => StrategyContext;
}

/** Checking this few keys costs no more than random picks. */
const FEW_KEYS = 8;

/** The number of random picks before all keys are checked. */
const DRAWS = 12;

/**
 * The lane that the strategy would choose among all lanes of a model, if that is possible without checking each: of a
 * thousand keys, the session's own or a random free one. Undefined leaves the choice to the long path.
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
  // With "auto" the best quota wins, which needs all keys.
  if (strategy === "auto") return undefined;
  // Only requests without a session may be assigned at random.
  if (keys.length <= FEW_KEYS || (strategy === "sticky" && context.session !== undefined)) return undefined;
  return drawnLane(ref, keys, input);
}

/**
 * Every suitable lane is as likely as in a choice among the suitable ones alone. With `sticky` only an idle key is
 * suitable.
 */
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
