import { NEVER_MS, type Rest } from "../../core/routing/rest.ts";
import { requestJson } from "../logs/request-json.ts";
import type { Readiness } from "./readiness.ts";
import type { StatusChain, StatusKey, StatusRest, StatusSnapshot } from "./snapshot.ts";

/**
 * A snapshot as `status --json` prints it; scripts rely on these names, and what `/_orouter/state` also has is called
 * the same there. Times are milliseconds since 1970, an end that never comes is null.
 * `state` is one of ready, rests, dead, disabled, no-secret (keys) and ready, rests, dead, no-key (models of chains).
 */
export function statusJson(snapshot: StatusSnapshot) {
  return {
    now: snapshot.nowMs,
    strategy: snapshot.strategy,
    keys: snapshot.keys.map(keyJson),
    rests: snapshot.rests.map(restJson),
    chains: snapshot.chains.map(chainJson),
    requests: snapshot.requests.map(requestJson),
  };
}

function keyJson({ provider, name, fingerprint, enabled, source, readiness, today }: StatusKey) {
  const { requests, refusals, inputTokens, outputTokens } = today;
  return {
    provider,
    name,
    fingerprint: fingerprint ?? null,
    enabled,
    source,
    ...readinessJson(readiness),
    today: { requests, refusals, inputTokens, outputTokens },
  };
}

function restJson({ rest, key, model, provider }: StatusRest) {
  const { id, scope, kind, status, message, sinceMs, strikes } = rest;
  return {
    id,
    scope,
    key: key ?? null,
    model: model ?? null,
    provider: provider ?? null,
    kind,
    status,
    message,
    sinceMs,
    untilMs: endOf(rest),
    strikes,
  };
}

function chainJson({ name, models }: StatusChain) {
  return {
    name,
    models: models.map(({ model, keys, ready, readiness }) => ({
      model,
      keys,
      ready,
      ...readinessJson(readiness),
    })),
  };
}

/** `untilMs` and `why` are null where nothing rests. */
function readinessJson(readiness: Readiness) {
  const rest = "rest" in readiness ? readiness.rest : undefined;
  return {
    state: readiness.kind,
    untilMs: rest === undefined ? null : endOf(rest),
    why: rest?.kind ?? null,
  };
}

/** JSON readers know no "never". */
function endOf(rest: Rest): number | null {
  return rest.untilMs >= NEVER_MS ? null : rest.untilMs;
}
