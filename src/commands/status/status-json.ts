import { readinessJson, restEnd } from "../../core/routing/readiness.ts";
import { resultJson } from "../bench/bench-json.ts";
import { requestJson } from "../logs/request-json.ts";
import type { StatusRun } from "./ask-runs.ts";
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
    runs: snapshot.runs.map(runJson),
    keys: snapshot.keys.map(keyJson),
    rests: snapshot.rests.map(restJson),
    chains: snapshot.chains.map(chainJson),
    benches: snapshot.benches.map(resultJson),
    requests: snapshot.requests.map(requestJson),
  };
}

/** `inFlight` and `waiting` are null where the run did not answer. */
function runJson({ what, pid, sinceMs, url, folder, load }: StatusRun) {
  return {
    what,
    pid,
    sinceMs,
    url,
    folder,
    inFlight: load?.inFlight ?? null,
    waiting: load?.waiting ?? null,
  };
}

function keyJson(key: StatusKey) {
  const { provider, name, fingerprint, enabled, source, readiness, inFlight, switchedIn } = key;
  const { requests, refusals, inputTokens, outputTokens } = key.today;
  return {
    provider,
    name,
    fingerprint: fingerprint ?? null,
    enabled,
    source,
    ...readinessJson(readiness),
    inFlight,
    switchedIn,
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
    untilMs: restEnd(rest),
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
