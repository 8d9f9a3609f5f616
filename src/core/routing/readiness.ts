import type { Key } from "../key.ts";
import type { ModelRef } from "../model-ref.ts";
import type { VerdictKind } from "../verdict/verdict.ts";
import { restsOn } from "./lane.ts";
import { NEVER_MS, type Rest, restId } from "./rest.ts";

/** Whether a key, or a model through any of its keys, can be used now. */
export type Readiness =
  | { kind: "ready" }
  | { kind: "rests"; rest: Rest }
  /** Until the key itself changes. */
  | { kind: "dead"; rest: Rest }
  | { kind: "disabled" }
  | { kind: "no-secret" }
  | { kind: "no-key" };

/** The rests that still last, by id. A party whose rest has ended is as good as ready: its next use tells. */
export function lastingRests(rests: Iterable<Rest>, nowMs: number): Map<string, Rest> {
  return new Map([...rests].filter((rest) => rest.untilMs > nowMs).map((rest) => [rest.id, rest]));
}

/** What a key's own rests, and those of its provider, say of it. Rests for single models are another matter. */
export function keyReadiness(
  key: { provider: string; fingerprint: string | undefined; enabled: boolean },
  lasting: ReadonlyMap<string, Rest>,
): Readiness {
  if (!key.enabled) return { kind: "disabled" };
  if (key.fingerprint === undefined) return { kind: "no-secret" };
  const ids = [restId.key(key.fingerprint), restId.provider(key.provider)];
  return atRest(longest(ids.flatMap((id) => lasting.get(id) ?? [])));
}

/** How a model can be reached: through how many of its provider's keys, or when the first of them is free. */
export interface ModelReadiness {
  readiness: Readiness;
  keys: number;
  ready: number;
}

export function modelReadiness(
  ref: ModelRef,
  keys: readonly Key[],
  lasting: ReadonlyMap<string, Rest>,
): ModelReadiness {
  const usable = keys.filter((key) => key.enabled && key.provider === ref.provider);
  const rests = usable.flatMap((key) => longest(restsOn(key, ref, lasting)) ?? []);
  const ready = usable.length - rests.length;
  const counts = { keys: usable.length, ready };
  if (usable.length === 0) return { readiness: { kind: "no-key" }, ...counts };
  if (ready > 0) return { readiness: { kind: "ready" }, ...counts };
  // The lane that frees itself first is what one waits for.
  const [first] = rests.toSorted((a, b) => a.untilMs - b.untilMs);
  return { readiness: atRest(first), ...counts };
}

function atRest(rest: Rest | undefined): Readiness {
  if (rest === undefined) return { kind: "ready" };
  return { kind: rest.untilMs >= NEVER_MS ? "dead" : "rests", rest };
}

function longest(rests: readonly Rest[]): Rest | undefined {
  return rests.toSorted((a, b) => b.untilMs - a.untilMs)[0];
}

/** A readiness as JSON has it: `untilMs` and `why` are null where nothing rests. */
export interface ReadinessJson {
  state: Readiness["kind"];
  untilMs: number | null;
  why: VerdictKind | null;
}

export function readinessJson(readiness: Readiness): ReadinessJson {
  const rest = "rest" in readiness ? readiness.rest : undefined;
  return {
    state: readiness.kind,
    untilMs: rest === undefined ? null : restEnd(rest),
    why: rest?.kind ?? null,
  };
}

/** JSON readers know no "never". */
export function restEnd(rest: Rest): number | null {
  return rest.untilMs >= NEVER_MS ? null : rest.untilMs;
}
