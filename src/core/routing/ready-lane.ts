import type { Key } from "../key.ts";
import type { ModelRef } from "../model-ref.ts";
import { type Lane, laneOf, type Situation } from "./lane.ts";
import { isExcluded } from "./progress.ts";
import type { Strategy, StrategyContext } from "./strategy.ts";

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
  if (progress.again !== undefined || (strategy !== "sticky" && strategy !== "random")) return undefined;
  const keys = input.keysOf(ref.provider);
  const context = input.contextOf(ref.provider);
  if (strategy === "sticky" && context.stuckTo !== undefined) {
    const key = keyWith(context.stuckTo, keys);
    const lane = key && freeLane(ref, key, input);
    if (lane !== undefined) return lane;
  }
  // A session that is known belongs to one key of all that are free; only who is nobody's may be drawn for.
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
