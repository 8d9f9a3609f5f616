import { expect, test } from "bun:test";
import { NEVER_MS } from "../../../src/core/routing/cooldown.ts";
import { blame, type Decision, decide, settle } from "../../../src/core/routing/decide.ts";
import { isExcluded, laneId, type Progress, startProgress } from "../../../src/core/routing/progress.ts";
import { ownWords } from "../../../src/core/scrub.ts";
import {
  type Fault,
  USUAL_FAULT,
  type Verdict,
  type VerdictKind,
} from "../../../src/core/verdict/verdict.ts";
import { keyNamed } from "../../proxy/rig.ts";

const KEY = keyNamed("a", "one");
const OTHER = keyNamed("a", "two");
const REF = { provider: "a", model: "m" };
const NEXT = { provider: "b", model: "n" };
const NOW = 1_000_000;

interface Situation {
  kind: VerdictKind;
  fault?: Fault;
  rule?: string;
  waitMs?: number;
  status?: number;
  models?: number;
  tries?: number;
  triesPerKey?: number;
  limitedInARow?: number;
  isBroken?: boolean;
  isOnlyKey?: boolean;
  tookMs?: number;
  maxWaitMs?: number;
  spentMs?: number;
  random?: number;
}

interface Followed {
  decision: Decision;
  progress: Progress;
  excluded: string[];
}

function verdictOf(situation: Situation): Verdict {
  const { kind, fault = USUAL_FAULT[kind], rule = "", waitMs, status = 0 } = situation;
  return { kind, fault, rule, status, message: ownWords(""), waitMs };
}

/** The decision after the last of these failures of one lane. */
function follow(situation: Situation): Followed {
  const { models = 2, tries = 1, triesPerKey = 1, limitedInARow = 1 } = situation;
  const { isBroken = false, isOnlyKey = false } = situation;
  const { tookMs = 0, maxWaitMs = 90_000, random = 1 } = situation;
  const verdict = verdictOf(situation);
  const progress = startProgress([REF, NEXT].slice(0, models));
  progress.spentMs = situation.spentMs ?? 0;
  let decision: Decision = { kind: "serve-error" };
  for (let nth = 0; nth < tries; nth++) {
    const startedMs = NOW - tookMs;
    progress.attempts.push({ ref: REF, key: KEY, startedMs, verdict, probe: false, isLastResort: false });
    const failed = { verdict, key: KEY, ref: REF, isBroken };
    const hasOtherModel = (): boolean => models > 1;
    decision = decide({
      ...failed,
      progress,
      keys: isOnlyKey ? [KEY] : [KEY, OTHER],
      hasOtherModel,
      triesPerKey,
      limitedInARow,
      rateLimitThreshold: 3,
    });
    const times = { startedMs, nowMs: NOW, patienceMs: 5_000, maxWaitMs, random: () => random };
    settle(progress, decision, { ...failed, ...times });
  }
  const parties: [string, boolean][] = [
    ["lane", isExcluded(progress, KEY, REF)],
    ["key", isExcluded(progress, KEY, { provider: "a", model: "x" })],
    ["model", isExcluded(progress, OTHER, REF)],
    ["provider", isExcluded(progress, OTHER, { provider: "a", model: "x" })],
  ];
  return { decision, progress, excluded: parties.flatMap(([name, isOut]) => (isOut ? name : [])) };
}

test.each<[situation: Situation, next: Decision["kind"], excluded: string[]]>([
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
  [{ kind: "overflow" }, "larger-model", ["lane", "model"]],
  [{ kind: "bad-request" }, "serve-error", []],
  [{ kind: "unsupported" }, "next-model", ["lane", "model"]],
  [{ kind: "unsupported", models: 1 }, "serve-error", []],
  [{ kind: "output-limit" }, "next-model", ["lane", "model"]],
  [{ kind: "output-limit", models: 1 }, "serve-error", []],
  [{ kind: "path-not-found" }, "next-model", ["lane", "model"]],
  [{ kind: "content-policy" }, "serve-error", []],
  [{ kind: "server-error", fault: "provider" }, "next-model", ["lane", "key", "model", "provider"]],
])("a hard failure, %j, is followed by %s and excludes %j", (situation, next, excluded) => {
  const followed = follow(situation);
  expect([followed.decision.kind, followed.excluded]).toEqual([next, excluded]);
  expect(followed.progress.pauses.size).toBe(0);
});

test.each<[situation: Situation, next: Decision["kind"], avoided: boolean]>([
  [{ kind: "silent" }, "next-key", false],
  [{ kind: "silent", fault: "model" }, "next-model", true],
  [{ kind: "rate-limit" }, "next-key", false],
  [{ kind: "rate-limit", tries: 12 }, "next-key", false],
  [{ kind: "rate-limit", limitedInARow: 3 }, "next-model", true],
  [{ kind: "rate-limit", limitedInARow: 3, models: 1 }, "next-model", true],
  [{ kind: "concurrency", tries: 12 }, "next-key", false],
  [{ kind: "overloaded", fault: "model" }, "next-model", true],
  [{ kind: "overloaded", fault: "model", models: 1, tries: 12 }, "next-model", true],
  [{ kind: "server-error" }, "next-key", false],
  [{ kind: "server-error", triesPerKey: 3, tries: 2 }, "again", false],
  [{ kind: "server-error", triesPerKey: 3, tries: 3 }, "next-key", false],
  [{ kind: "server-error", isOnlyKey: true }, "again", false],
  [{ kind: "server-error", isOnlyKey: true, tries: 2 }, "next-key", false],
  [{ kind: "timeout", models: 1 }, "next-key", false],
  [{ kind: "timeout", isOnlyKey: true }, "next-key", false],
  [{ kind: "reset" }, "again", false],
  [{ kind: "reset", tries: 2 }, "next-key", false],
  [{ kind: "reset", isBroken: true }, "next-key", false],
])("a soft failure, %j, is followed by %s and excludes nothing", (situation, next, isAvoided) => {
  const { decision, progress, excluded } = follow(situation);
  expect([decision.kind, excluded]).toEqual([next, []]);
  expect(progress.pauses.get(laneId(KEY, REF))?.failures).toBe(situation.tries ?? 1);
  expect(progress.avoidedModels.has("a/m")).toBe(isAvoided);
});

test.each<[what: string, situation: Situation, pauseMs: number]>([
  ["a broken connection is tried again soon", { kind: "reset" }, 300],
  ["the jitter only shortens a pause", { kind: "reset", random: 0 }, 225],
  ["pauses double", { kind: "server-error", tries: 4 }, 2_400],
  ["pauses do not grow past eight seconds", { kind: "server-error", tries: 40 }, 8_000],
  ["a limit without a hint is left alone for longer", { kind: "rate-limit" }, 2_000],
  ["a declared wait is honoured", { kind: "server-error", waitMs: 7_000 }, 7_000],
  ["a declared wait that did not help is doubted", { kind: "rate-limit", waitMs: 100, tries: 5 }, 8_000],
  ["the last pause ends with the time for trying", { kind: "timeout", tries: 20, spentMs: 89_000 }, 1_000],
])("%s", (_what, situation, pauseMs) => {
  const pause = follow(situation).progress.pauses.get(laneId(KEY, REF));
  expect((pause?.untilMs ?? 0) - NOW).toBe(pauseMs);
});

test.each<[what: string, situation: Situation, spentMs: number]>([
  ["the first failure costs nothing", { kind: "timeout", tookMs: 30_000 }, 0],
  ["a further one costs the time that it took", { kind: "timeout", tookMs: 7_000, tries: 2 }, 7_000],
  [
    "a gateway's slow timeout costs a quarter of a minute",
    { kind: "timeout", tookMs: 100_000, tries: 2 },
    15_000,
  ],
  ["a silence costs all that it took", { kind: "silent", tookMs: 60_000, tries: 2 }, 60_000],
  [
    "an answer that broke after minutes costs a quarter of a minute",
    { kind: "reset", isBroken: true, tookMs: 300_000, tries: 3 },
    30_000,
  ],
])("of the time for trying %s", (_what, situation, spentMs) => {
  expect(follow(situation).progress.spentMs).toBe(spentMs);
});

test("when the time for trying is used up a lane is not asked again", () => {
  const { progress } = follow({ kind: "server-error", spentMs: 90_000 });
  expect(progress.pauses.get(laneId(KEY, REF))?.untilMs).toBe(NEVER_MS);
});

test.each<
  [
    what: string,
    verdict: Situation,
    more: { same?: boolean; other?: boolean; keys?: number; otherKeyWaits?: boolean },
    fault: Fault,
  ]
>([
  ["the first silence is the lane's", { kind: "silent" }, {}, "lane"],
  ["a second silent lane makes it the model's", { kind: "silent" }, { same: true }, "model"],
  ["a model that one key does not find is the lane's", { kind: "model-not-found" }, {}, "lane"],
  ["one that two keys do not find is the model's", { kind: "model-not-found" }, { same: true }, "model"],
  ["one that the only key does not find is, too", { kind: "model-not-found" }, { keys: 1 }, "model"],
  [
    "where another key only waits for its limit it is still the lane's",
    { kind: "model-not-found" },
    { otherKeyWaits: true },
    "lane",
  ],
  ["a retired model is the model's", { kind: "model-not-found", status: 410 }, {}, "model"],
  ["a failure is the attempt's", { kind: "server-error" }, {}, "attempt"],
  ["a wait that was declared is the lane's", { kind: "overloaded", waitMs: 5_000 }, {}, "lane"],
  ["an overloaded model is the model's", { kind: "overloaded", fault: "model" }, { other: true }, "model"],
  ["without another model it is the lane's", { kind: "overloaded", fault: "model" }, {}, "lane"],
  ["and the model's once no key is left", { kind: "overloaded", fault: "model" }, { keys: 1 }, "model"],
  ["a limit is as the provider says", { kind: "rate-limit", fault: "model" }, {}, "model"],
])(
  "of blame, %s",
  (_what, situation, { same = false, other = false, keys = 2, otherKeyWaits = false }, fault) => {
    const progress = startProgress([REF]);
    const verdict = verdictOf(situation);
    if (otherKeyWaits) {
      const limited = verdictOf({ kind: "concurrency" });
      progress.attempts.push({
        ref: REF,
        key: OTHER,
        startedMs: 0,
        verdict: limited,
        probe: false,
        isLastResort: false,
      });
    }
    progress.attempts.push({ ref: REF, key: KEY, startedMs: 0, verdict, probe: false, isLastResort: false });
    const blamed = blame({
      verdict,
      key: KEY,
      ref: REF,
      progress,
      keys: [KEY, OTHER].slice(0, keys),
      isSameElsewhere: () => same,
      hasOtherModel: () => other,
    });
    expect(blamed).toBe(fault);
  },
);
