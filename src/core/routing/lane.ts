import type { Key } from "../key.ts";
import type { ModelRef } from "../model-ref.ts";
import { type KeyLimits, type Load, slotFor } from "./load.ts";
import { isBarred, type Progress } from "./progress.ts";
import { type Rest, restId } from "./rest.ts";

/** One key's readiness for one model. */
export interface Lane {
  key: Key;
  /** The rest that holds it, or that its use would probe. */
  rest: Rest | undefined;
  isFree: boolean;
  /** When it can be used; undefined when only the end of another call tells. */
  freeAtMs: number | undefined;
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
  /** Rests that a probe is under way for: one request at a time finds out. */
  probing: ReadonlySet<string>;
  loads: ReadonlyMap<string, Load>;
  nowMs: number;
}

/** The lanes of a model that this request has not ruled out. */
export function lanesOf(ref: ModelRef, situation: Situation): Lane[] {
  return situation
    .keysOf(ref.provider)
    .filter((key) => key.enabled && !isBarred(situation.progress, key, ref))
    .map((key) => laneOf(ref, key, situation));
}

/** One key's readiness for a model. */
export function laneOf(ref: ModelRef, key: Key, situation: Situation): Lane {
  const { nowMs, probing } = situation;
  const rests = restsOn(key, ref, situation.health);
  const rest = rests.length > 1 ? rests.toSorted((a, b) => b.untilMs - a.untilMs)[0] : rests[0];
  const slot = slotFor(situation.loads.get(key.fingerprint), situation.limitsOf(ref.provider), nowMs);
  const hasRoom = slot.kind === "now";
  if (rest !== undefined && rest.untilMs > nowMs)
    return { key, rest, isFree: false, freeAtMs: rest.untilMs, isQueued: false, hasRoom };
  // Of every rest that has ended only one request at a time finds out how it is now.
  if (rests.some(({ id }) => probing.has(id)))
    return { key, rest, isFree: false, freeAtMs: undefined, isQueued: false, hasRoom };
  if (hasRoom) return { key, rest, isFree: true, freeAtMs: nowMs, isQueued: false, hasRoom };
  const freeAtMs = slot.kind === "at" ? slot.atMs : undefined;
  return { key, rest: undefined, isFree: false, freeAtMs, isQueued: true, hasRoom };
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
