import type { Key } from "../core/key.ts";
import { formatModelRef, type ModelRef } from "../core/model-ref.ts";
import type { ExhaustedKey, Exhaustion } from "../core/routing/exhaustion.ts";
import { restsOn } from "../core/routing/lane.ts";
import type { Progress } from "../core/routing/progress.ts";
import { NEVER_MS, type Rest } from "../core/routing/rest.ts";
import type { ModelRequest } from "./model-request.ts";
import type { Router } from "./router.ts";

/** Other models named in a report; more would bury the first. */
const MAX_OTHERS = 4;

/** Why nobody could answer, put together from this request's attempts and the cooldowns that kept other lanes out. */
export function describeExhaustion(
  progress: Progress,
  { asked, terms }: Pick<ModelRequest, "asked" | "terms">,
  router: Router,
): Exhaustion {
  const nowMs = router.chance.nowMs();
  const lanes = progress.targets.flatMap((ref) =>
    terms.keysOf(ref.provider).flatMap((key) => (key.enabled ? { key, ref } : [])),
  );
  const hostOf = (provider: string): string =>
    URL.parse(terms.providers.get(provider)?.baseUrl ?? "")?.hostname ?? provider;
  const keys = lanes.flatMap(({ key, ref }) => {
    const word = lastWord(progress, key, ref, router);
    return word === undefined ? [] : { ...word, host: hostOf(ref.provider) };
  });
  const heard = new Set(keys.map((key) => key.fingerprint));
  const unasked = new Map(lanes.map(({ key }) => [key.fingerprint, key.name]));
  for (const fingerprint of heard) unasked.delete(fingerprint);
  return {
    atMs: nowMs,
    asked,
    keys,
    unasked: [...unasked].map(([fingerprint, keyName]) => ({ fingerprint, keyName })),
    otherModels: otherModels(progress, router, nowMs),
  };
}

/** What this request heard of a lane, else the cooldown that kept it out; undefined for one that was simply not asked. */
function lastWord(
  progress: Progress,
  key: Key,
  ref: ModelRef,
  router: Router,
): Omit<ExhaustedKey, "host"> | undefined {
  const nowMs = router.chance.nowMs();
  const lasting = restsOn(key, ref, router.health).filter((rest) => rest.untilMs > nowMs);
  const rest = longest(lasting);
  const attempt = progress.attempts.findLast(
    (one) => one.key === key && formatModelRef(one.ref) === formatModelRef(ref) && one.verdict !== undefined,
  );
  const said = attempt?.verdict ?? rest;
  if (said === undefined) return undefined;
  // Time does not make a wrong key right, whatever else holds it.
  const isRefused = said.kind === "auth" || lasting.some((one) => one.kind === "auth");
  const isEndKnown = !isRefused && rest !== undefined && rest.untilMs < NEVER_MS;
  return {
    keyName: key.name,
    fingerprint: key.fingerprint,
    model: formatModelRef(ref),
    wasAsked: attempt !== undefined || rest?.scope === "lane" || rest?.scope === "key",
    status: said.status,
    kind: said.kind,
    message: said.message,
    freeAtMs: isEndKnown ? rest.untilMs : undefined,
    isEndDeclared: isEndKnown && rest.isDeclared,
  };
}

function longest(rests: readonly Rest[]): Rest | undefined {
  return rests.toSorted((a, b) => b.untilMs - a.untilMs)[0];
}

/** Models that have served in this run or are named in the settings, and that some key could serve now. */
function otherModels(progress: Progress, router: Router, nowMs: number): string[] {
  const tried = new Set(progress.targets.map(formatModelRef));
  const free = router.knownModels().filter((ref) => {
    if (tried.has(formatModelRef(ref))) return false;
    return router.terms
      .keysOf(ref.provider)
      .some((key) => key.enabled && (longest(restsOn(key, ref, router.health))?.untilMs ?? 0) <= nowMs);
  });
  return free.slice(0, MAX_OTHERS).map(formatModelRef);
}
