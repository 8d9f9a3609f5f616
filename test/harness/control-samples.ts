import { fingerprint } from "../../src/core/fingerprint.ts";
import type { ControlKey, ControlRest, ControlState } from "../../src/core/routing/control-state.ts";

export const NOW_MS = Date.UTC(2026, 0, 5, 12);

export function controlState(parts: Partial<ControlState>): ControlState {
  return {
    now: NOW_MS,
    strategy: "sticky",
    keys: [],
    rests: [],
    chains: [],
    last: null,
    waiting: 0,
    ...parts,
  };
}

export function keyOf(name: string): ControlKey {
  return {
    provider: "a",
    name,
    fingerprint: fingerprint(name),
    enabled: true,
    source: "keys.toml",
    inFlight: 0,
    state: "ready",
    untilMs: null,
    why: null,
  };
}

/** A rest of a key, of one of its lanes, or (without a key) of a model. */
export function restFor(name: string | undefined, model?: string): ControlRest {
  const owner = name === undefined ? null : fingerprint(name);
  const scope = owner === null ? "model" : model === undefined ? "key" : "lane";
  return {
    id: [scope, owner, model].filter((part) => part != null).join(" "),
    scope,
    fingerprint: owner,
    key: name === undefined ? null : `a/${name}`,
    model: model ?? null,
    provider: null,
    kind: "rate-limit",
    status: 429,
    message: "",
    sinceMs: NOW_MS - 1000,
    untilMs: NOW_MS + 60_000,
    strikes: 1,
  };
}
