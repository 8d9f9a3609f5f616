import { fingerprint } from "../../src/core/key.ts";
import type { Cooldown, RouterKey, RouterState } from "../../src/harness/plugin/router-client.ts";

export const NOW_MS = Date.UTC(2026, 0, 5, 12);

export function controlState(parts: Partial<RouterState>): RouterState {
  return {
    now: NOW_MS,
    strategy: "sticky",
    keys: [],
    cooldowns: [],
    chains: [],
    last: null,
    waits: [],
    answers: [],
    quotas: [],
    ...parts,
  };
}

export function keyOf(name: string): RouterKey {
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

/** A cooldown of a key, of one of its lanes, or (without a key) of a model. */
export function cooldownFor(name: string | undefined, model?: string): Cooldown {
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
    untilMs: NOW_MS + 60_000,
  };
}
