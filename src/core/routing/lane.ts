import type { Key } from "../key.ts";
import type { ModelRef } from "../model-ref.ts";
import { type KeyLimits, type Load, type Slot, slotFor } from "./load.ts";
import { isExcluded, type Pause, type Progress, pauseOf, retryLeftMs } from "./progress.ts";
import { askableAtMs, isSoft, type Rest, restId } from "./rest.ts";

/** One key's readiness for one model. */
export interface Lane {
  key: Key;
  /** The cooldown that holds it, or that its use would probe. */
  rest: Rest | undefined;
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
  health: ReadonlyMap<string, Rest>;
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
  const rests = restsOn(key, ref, situation.health);
  const rest = rests.length > 1 ? rests.toSorted((a, b) => b.untilMs - a.untilMs)[0] : rests[0];
  const pause = pauseOf(progress, key, ref);
  const slot = slotFor(situation.loads.get(key.fingerprint), situation.limitsOf(ref.provider), nowMs);
  const hasRoom = slot.kind === "now";
  const lane = { key, rest, pause, isFree: false, isQueued: false, hasRoom };
  const endMs = Math.max(rest?.untilMs ?? 0, pause?.untilMs ?? 0);
  const probeMs = probeEndMs(rests, key, situation);
  if (endMs > nowMs || probeMs !== undefined) {
    const retryAtMs = laterOf(probeMs ?? retryTimeMs(ref, rests, pause, situation), slot, nowMs);
    return { ...lane, freeAtMs: endMs > nowMs ? endMs : undefined, retryAtMs };
  }
  if (!hasRoom) {
    const atMs = slot.kind === "at" ? slot.atMs : undefined;
    return { ...lane, rest: undefined, isQueued: true, freeAtMs: atMs, retryAtMs: atMs };
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
function probeEndMs(rests: readonly Rest[], key: Key, { probing, nowMs }: Situation): number | undefined {
  if (probing.size === 0) return undefined;
  let endMs: number | undefined;
  for (const rest of rests) {
    const sinceMs = probing.get(probeId(rest, key));
    // A clock that was set back must not make it last.
    if (sinceMs === undefined || nowMs - sinceMs >= PROBE_HOLDS_MS || sinceMs > nowMs) continue;
    endMs = Math.max(endMs ?? 0, sinceMs + PROBE_HOLDS_MS);
  }
  return endMs;
}

/** A guess is asked about before the time for trying is over, so that the last try is not lost to a wait. */
function retryTimeMs(
  ref: ModelRef,
  rests: readonly Rest[],
  pause: Pause | undefined,
  situation: Situation,
): number {
  const { nowMs, progress, maxWaitMs } = situation;
  const lastMs = nowMs + retryLeftMs(progress, maxWaitMs);
  const times = rests.map((rest) => {
    const isShared = rest.scope === "model" || rest.scope === "provider";
    const lanes = isShared ? situation.keysOf(ref.provider).length : 1;
    const atMs = askableAtMs(rest, progress.jitter, lanes);
    return rest.isDeclared || !isSoft(rest.kind) ? atMs : Math.min(atMs, lastMs);
  });
  return Math.max(pause?.untilMs ?? 0, ...times);
}

/** What a probe of a lane is known by. Where one holds many keys, a slow probe through one keeps no other key waiting. */
export function probeId({ id, scope }: Rest, key: Key): string {
  return scope === "model" || scope === "provider" ? `${id} by ${key.fingerprint}` : id;
}

const NONE: Rest[] = [];

/** The rests that cover a lane, ended ones included. A mere count of failures is no rest. */
export function restsOn(key: Key, ref: ModelRef, health: ReadonlyMap<string, Rest>): Rest[] {
  if (health.size === 0) return NONE;
  let found = NONE;
  for (const id of restIdsOf(key, ref)) {
    const rest = health.get(id);
    // Most lanes have none, and the look is taken at every one.
    if (rest !== undefined && rest.untilMs !== 0) found = found === NONE ? [rest] : [...found, rest];
  }
  return found;
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
