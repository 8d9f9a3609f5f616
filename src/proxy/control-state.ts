import type { BenchResult } from "../core/bench/results.ts";
import { parseModelRef } from "../core/model-ref.ts";
import type {
  ControlAnswer,
  ControlBench,
  ControlChain,
  ControlKey,
  ControlModel,
  ControlRest,
  ControlState,
} from "../core/routing/control-state.ts";
import {
  keyReadiness,
  lastingRests,
  modelReadiness,
  readinessJson,
  restEnd,
} from "../core/routing/readiness.ts";
import type { Rest } from "../core/routing/rest.ts";
import { ownerOf, restParty } from "../core/routing/rest-party.ts";
import { type Chains, expandModels } from "../core/settings/chains.ts";
import type { Router } from "./router.ts";

export interface StateParts {
  router: Router;
  chains: Chains;
  benches: readonly BenchResult[];
  last: ControlAnswer | undefined;
}

type Lasting = ReadonlyMap<string, Rest>;

/** Everything a person may want to know of this run, as `/_orouter/state` has it. */
export function controlState(parts: StateParts): ControlState {
  const { router } = parts;
  const nowMs = router.chance.nowMs();
  const lasting = lastingRests(router.health.values(), nowMs);
  return {
    now: nowMs,
    strategy: router.terms.policy.strategy,
    keys: keysOf(router, lasting),
    rests: [...lasting.values()]
      .toSorted((a, b) => a.untilMs - b.untilMs)
      .map((rest) => restOf(rest, router)),
    chains: chainsOf(parts, lasting),
    last: parts.last ?? null,
    waiting: router.waiting.length,
    waits: router.waiting.waits(),
    answers: router.answers.list(),
  };
}

function keysOf(router: Router, lasting: Lasting): ControlKey[] {
  return router.terms.keys.map((key) => ({
    provider: key.provider,
    name: key.name,
    fingerprint: key.fingerprint,
    enabled: key.enabled,
    source: key.source,
    inFlight: router.inFlight(key),
    ...readinessJson(keyReadiness(key, lasting)),
  }));
}

function restOf(rest: Rest, router: Router): ControlRest {
  const { id, scope, kind, status, message, sinceMs, strikes } = rest;
  const party = restParty(rest);
  const owner = ownerOf(party, router.terms.keys);
  return {
    id,
    scope,
    fingerprint: party.fingerprint ?? null,
    key: owner === undefined ? null : `${owner.provider}/${owner.name}`,
    model: party.model ?? null,
    provider: party.provider ?? null,
    kind,
    status,
    message,
    sinceMs,
    untilMs: restEnd(rest),
    strikes,
  };
}

function chainsOf({ chains, router, benches }: StateParts, lasting: Lasting): ControlChain[] {
  const measured = new Map(benches.map((bench) => [bench.model, benchOf(bench)]));
  const modelOf = (model: string): ControlModel[] => {
    const ref = parseModelRef(model);
    if (ref === undefined) return [];
    const { readiness, keys, ready } = modelReadiness(ref, router.terms.keys, lasting);
    return [{ model, keys, ready, ...readinessJson(readiness), bench: measured.get(model) ?? null }];
  };
  return Object.entries(chains).map(([name, entries]) => ({
    name,
    entries,
    models: expandModels([name], chains).flatMap(modelOf),
  }));
}

function benchOf({ atMs, firstTokenMs, tokensPerSecond }: BenchResult): ControlBench {
  return {
    atMs,
    firstTokenMs: firstTokenMs.median,
    tokensPerSecond: tokensPerSecond?.median ?? null,
  };
}
