import { expect, test } from "bun:test";
import { fingerprint, type Key } from "../../../src/core/key.ts";
import { type Cooldown, NEVER_MS, targetOf } from "../../../src/core/routing/cooldown.ts";
import {
  keyReadiness,
  lastingCooldowns,
  modelReadiness,
  readinessJson,
} from "../../../src/core/routing/readiness.ts";
import { ownWords } from "../../../src/core/scrub.ts";

const NOW = 1_000_000;
const REF = { provider: "p", model: "m" };

function keyOf(name: string, parts: Partial<Key> = {}): Key {
  const secret = `secret-${name}`;
  return {
    provider: "p",
    name,
    fingerprint: fingerprint(secret),
    secret,
    enabled: true,
    source: "keys.toml",
    from: "keys.toml",
    ...parts,
  };
}

const [ONE, TWO] = [keyOf("one"), keyOf("two")];

function until(target: ReturnType<typeof targetOf.lane>, untilMs: number): Cooldown {
  return {
    ...target,
    kind: "quota",
    status: 429,
    message: ownWords(""),
    sinceMs: 0,
    untilMs,
    failures: 1,
    isDeclared: true,
  };
}

function lasting(...cooldowns: Cooldown[]): Map<string, Cooldown> {
  return lastingCooldowns(cooldowns, NOW);
}

test.each<[name: string, key: Key, cooldowns: Cooldown[], state: string]>([
  ["without a cooldown", ONE, [], "ready"],
  ["after its cooldown", ONE, [until(targetOf.key(ONE), NOW)], "ready"],
  ["in its own cooldown", ONE, [until(targetOf.key(ONE), NOW + 1)], "cooling-down"],
  ["in its provider's cooldown", ONE, [until(targetOf.provider("p"), NOW + 1)], "cooling-down"],
  ["in a cooldown of one model", ONE, [until(targetOf.lane(ONE.fingerprint, REF), NOW + 1)], "ready"],
  ["in another key's cooldown", ONE, [until(targetOf.key(TWO), NOW + 1)], "ready"],
  ["until it changes", ONE, [until(targetOf.key(ONE), NEVER_MS)], "dead"],
  ["when disabled", keyOf("off", { enabled: false }), [], "disabled"],
])("a key %s", (_name, key, cooldowns, state) => {
  expect(keyReadiness(key, lasting(...cooldowns)).kind).toBe(state as never);
});

test("a key without its secret is not ready", () => {
  expect(keyReadiness({ provider: "p", fingerprint: undefined, enabled: true }, new Map())).toEqual({
    kind: "no-secret",
  });
});

test("of several cooldowns the one that ends last decides", () => {
  const own = until(targetOf.key(ONE), NOW + 1);
  const shared = until(targetOf.provider("p"), NOW + 2);
  expect(keyReadiness(ONE, lasting(own, shared))).toEqual({ kind: "cooling-down", cooldown: shared });
});

test("a model is ready with one ready key, and counts them", () => {
  const cooling = until(targetOf.lane(ONE.fingerprint, REF), NOW + 5);
  const read = modelReadiness(REF, [ONE, TWO, keyOf("off", { enabled: false })], lasting(cooling));
  expect(read).toEqual({ readiness: { kind: "ready" }, keys: 2, ready: 1 });
});

test("a model without a ready key is ready when the first of them is", () => {
  const first = until(targetOf.lane(TWO.fingerprint, REF), NOW + 5);
  const second = until(targetOf.key(ONE), NOW + 9);
  const read = modelReadiness(REF, [ONE, TWO], lasting(first, second));
  expect(read).toEqual({ readiness: { kind: "cooling-down", cooldown: first }, keys: 2, ready: 0 });
  expect(readinessJson(read.readiness)).toEqual({ state: "cooling-down", untilMs: NOW + 5, why: "quota" });
});

test("a model whose provider has no enabled key has none, and JSON has no end for a dead key", () => {
  expect(modelReadiness(REF, [keyOf("else", { provider: "q" })], new Map()).readiness).toEqual({
    kind: "no-key",
  });
  const dead = keyReadiness(ONE, lasting(until(targetOf.key(ONE), NEVER_MS)));
  expect(readinessJson(dead)).toEqual({ state: "dead", untilMs: null, why: "quota" });
});
