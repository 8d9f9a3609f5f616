import type { Key } from "../core/key.ts";
import { formatModelRef, type ModelRef } from "../core/model-ref.ts";
import type { ExhaustedKey, Exhaustion } from "../core/routing/exhaustion.ts";
import { restsOn } from "../core/routing/lane.ts";
import type { Progress } from "../core/routing/progress.ts";
import { NEVER_MS, type Rest } from "../core/routing/rest.ts";
import type { Router } from "./router.ts";

/** Other models named in a report; more would bury the first. */
const MAX_OTHERS = 4;

/** Of a key that stood in our own queue to the end of its time. */
const BUSY = {
  kind: "concurrency",
  status: 0,
  message: "all calls it may carry at a time were in use",
} as const;

/** Why nobody could answer, put together from this request's attempts and the rests that kept other lanes out. */
export function describeExhaustion(progress: Progress, asked: string, router: Router): Exhaustion {
  const nowMs = router.chance.nowMs();
  const keys: ExhaustedKey[] = [];
  for (const ref of progress.targets) {
    for (const key of router.keysOf(ref.provider)) {
      const word = lastWord(progress, key, ref, router);
      if (word !== undefined) keys.push(word);
    }
  }
  return { atMs: nowMs, asked, keys, otherModels: otherModels(progress, router, nowMs) };
}

function lastWord(progress: Progress, key: Key, ref: ModelRef, router: Router): ExhaustedKey | undefined {
  if (!key.enabled) return undefined;
  const rest = longestRest(key, ref, router.health);
  const attempt = progress.attempts.findLast(
    (one) => one.key === key && formatModelRef(one.ref) === formatModelRef(ref),
  );
  const said = attempt?.verdict ?? rest ?? (router.inFlight(key) > 0 ? BUSY : undefined);
  if (said === undefined) return undefined;
  return {
    keyName: key.name,
    fingerprint: key.fingerprint,
    model: formatModelRef(ref),
    status: said.status,
    kind: said.kind,
    message: said.message,
    freeAtMs: rest === undefined || rest.untilMs >= NEVER_MS || rest.untilMs === 0 ? undefined : rest.untilMs,
  };
}

function longestRest(key: Key, ref: ModelRef, health: ReadonlyMap<string, Rest>): Rest | undefined {
  return restsOn(key, ref, health).sort((a, b) => b.untilMs - a.untilMs)[0];
}

/** Models that have served in this run or are named in the settings, and that some key could serve now. */
function otherModels(progress: Progress, router: Router, nowMs: number): string[] {
  const tried = new Set(progress.targets.map(formatModelRef));
  const free = router.knownModels().filter((ref) => {
    if (tried.has(formatModelRef(ref))) return false;
    return router
      .keysOf(ref.provider)
      .some((key) => key.enabled && (longestRest(key, ref, router.health)?.untilMs ?? 0) <= nowMs);
  });
  return free.slice(0, MAX_OTHERS).map(formatModelRef);
}
