import { expect, test } from "bun:test";
import { type KeyTrial, keyOutcome } from "../../src/commands/keys/test-key.ts";
import type { VerdictKind } from "../../src/core/verdict/verdict.ts";

const refused = (verdict: VerdictKind | undefined, status: number): KeyTrial => ({
  kind: "refused",
  verdict,
  status,
  message: "what it said",
});

test.each<[name: string, trial: KeyTrial, kind: string, words: string]>([
  ["an answer", { kind: "ok" }, "works", "works"],
  ["an answer that anyone would get", { kind: "unproven" }, "unclear", "lists its models without a key"],
  ["a wrong key", refused("auth", 401), "refused", "rejected: wrong or expired (401, what it said)"],
  ["a key that may not", refused("forbidden", 403), "refused", "rejected: "],
  ["a used-up key", refused("quota", 429), "works", "accepted, but its usage limit"],
  ["a plan without the model", refused("subscription", 403), "works", "accepted, but "],
  ["no network", refused("reset", 0), "unclear", "unknown: the connection broke (what it said)"],
  ["no answer in time", refused("timeout", 0), "unclear", "unknown: "],
  ["a service in trouble", refused("server-error", 500), "unclear", "unknown: "],
  ["something nobody knows", refused(undefined, 302), "unclear", "unknown: no answer"],
])("%s", (_name, trial, kind, words) => {
  const outcome = keyOutcome(trial);
  expect(outcome.kind).toBe(kind as typeof outcome.kind);
  expect(outcome.words).toContain(words);
});
