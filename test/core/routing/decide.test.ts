import { expect, test } from "bun:test";
import { type Decision, decide, settle } from "../../../src/core/routing/decide.ts";
import { isBarred, startProgress } from "../../../src/core/routing/progress.ts";
import type { Fault, Verdict, VerdictKind } from "../../../src/core/verdict/verdict.ts";
import { USUAL_FAULT } from "../../../src/core/verdict/verdict.ts";
import { keyNamed } from "../../proxy/rig.ts";

const KEYS = ["one", "two"].map((name) => keyNamed("a", name));
const [KEY, OTHER] = KEYS;
const REF = { provider: "a", model: "m" };
const NEXT = { provider: "b", model: "n" };

interface Situation {
  kind: VerdictKind;
  fault?: Fault;
  keys?: number;
  models?: number;
  tries?: number;
  triesPerKey?: number;
  limitedInARow?: number;
}

/** What follows, and who is ruled out for the rest of the request. */
function follow(situation: Situation): { decision: Decision; ruledOut: string[] } {
  const { kind, fault = USUAL_FAULT[kind], keys = 2, models = 2, tries = 1 } = situation;
  if (KEY === undefined || OTHER === undefined) throw new Error("no keys");
  const verdict: Verdict = { kind, fault, rule: "any", status: 0, message: "", waitMs: undefined };
  const progress = startProgress([REF, NEXT].slice(0, models));
  for (let nth = 0; nth < tries; nth++)
    progress.attempts.push({ ref: REF, key: KEY, startedMs: nth, verdict, probe: false });
  const decision = decide({
    verdict,
    key: KEY,
    ref: REF,
    progress,
    keys: KEYS.slice(0, keys),
    triesPerKey: situation.triesPerKey ?? 1,
    limitedInARow: situation.limitedInARow ?? 1,
    rateLimitThreshold: 3,
    random: () => 0.5,
  });
  settle(progress, decision, { verdict, key: KEY, ref: REF });
  const parties: [string, boolean][] = [
    ["lane", isBarred(progress, KEY, REF)],
    ["key", isBarred(progress, KEY, { provider: "a", model: "x" })],
    ["model", isBarred(progress, OTHER, REF)],
    ["provider", isBarred(progress, OTHER, { provider: "a", model: "x" })],
  ];
  return { decision, ruledOut: parties.flatMap(([name, isOut]) => (isOut ? name : [])) };
}

test.each<[situation: Situation, next: Decision["kind"], ruledOut: string[]]>([
  [{ kind: "subscription" }, "next-key", ["lane"]],
  [{ kind: "payment" }, "next-key", ["lane", "key"]],
  [{ kind: "quota" }, "next-key", ["lane", "key"]],
  [{ kind: "quota", fault: "lane" }, "next-key", ["lane"]],
  [{ kind: "auth" }, "next-key", ["lane", "key"]],
  [{ kind: "forbidden" }, "next-key", ["lane", "key"]],
  [{ kind: "forbidden", fault: "provider" }, "next-model", ["lane", "key", "model", "provider"]],
  [{ kind: "forbidden", fault: "request" }, "serve-error", []],
  [{ kind: "model-not-found" }, "next-model", ["lane", "model"]],
  [{ kind: "model-not-found", fault: "lane" }, "next-key", ["lane"]],
  [{ kind: "silent" }, "next-model", ["lane", "model"]],
  [{ kind: "overflow" }, "larger-model", ["lane", "model"]],
  [{ kind: "bad-request" }, "serve-error", []],
  [{ kind: "unsupported" }, "next-model", ["lane", "model"]],
  [{ kind: "unsupported", models: 1 }, "serve-error", []],
  [{ kind: "output-limit" }, "next-model", ["lane", "model"]],
  [{ kind: "output-limit", models: 1 }, "serve-error", []],
  [{ kind: "path-not-found" }, "next-model", ["lane", "model"]],
  [{ kind: "content-policy" }, "serve-error", []],
  [{ kind: "rate-limit" }, "next-key", []],
  [{ kind: "rate-limit", tries: 3 }, "next-key", ["lane"]],
  [{ kind: "rate-limit", limitedInARow: 3 }, "next-model", ["lane", "model"]],
  [{ kind: "rate-limit", limitedInARow: 3, models: 1 }, "next-key", []],
  [{ kind: "concurrency" }, "next-key", []],
  [{ kind: "concurrency", tries: 8 }, "next-key", ["lane"]],
  [{ kind: "overloaded", fault: "model" }, "next-model", ["lane", "model"]],
  [{ kind: "overloaded", fault: "model", models: 1 }, "next-key", []],
  [{ kind: "overloaded", fault: "model", models: 1, tries: 4 }, "next-key", ["lane"]],
  [{ kind: "server-error" }, "next-key", ["lane"]],
  [{ kind: "server-error", keys: 1 }, "again", []],
  [{ kind: "server-error", keys: 1, tries: 2 }, "next-key", ["lane"]],
  [{ kind: "server-error", triesPerKey: 3, tries: 2 }, "again", []],
  [{ kind: "timeout", keys: 1 }, "next-key", ["lane"]],
  [{ kind: "timeout", keys: 1, models: 1 }, "again", []],
  [{ kind: "reset" }, "again", []],
  [{ kind: "reset", tries: 2 }, "next-key", ["lane"]],
])("%j is followed by %s", (situation, next, ruledOut) => {
  const followed = follow(situation);
  expect([followed.decision.kind, followed.ruledOut]).toEqual([next, ruledOut]);
});

test("a broken connection is tried again at once, a failure after a breath", () => {
  expect(follow({ kind: "reset" }).decision).toEqual({ kind: "again", afterMs: 0 });
  expect(follow({ kind: "server-error", keys: 1 }).decision).toEqual({ kind: "again", afterMs: 650 });
});
