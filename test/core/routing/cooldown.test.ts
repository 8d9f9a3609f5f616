import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type Cooldown,
  cooldownTargets,
  cooldownWhileAnswering,
  isSoft,
  NEVER_MS,
  nextCooldown,
  targetOf,
} from "../../../src/core/routing/cooldown.ts";
import { ownWords } from "../../../src/core/scrub.ts";
import {
  type Fault,
  USUAL_FAULT,
  VERDICT_KINDS,
  type Verdict,
  type VerdictKind,
} from "../../../src/core/verdict/verdict.ts";
import { keyNamed } from "../../proxy/rig.ts";

const KEY = keyNamed("a", "one");
const REF = { provider: "a", model: "m" };
const POLICY = { failWindowMs: 18_000_000, cooldown: { baseMs: 30_000, factor: 1.5, maxMs: 3_600_000 } };
const NOW = 1_000_000;

function verdictOf(kind: VerdictKind, more: Partial<Verdict> = {}): Verdict {
  return {
    kind,
    fault: USUAL_FAULT[kind],
    status: 0,
    rule: "",
    message: ownWords(""),
    waitMs: undefined,
    ...more,
  };
}

function fail(
  previous: Cooldown | undefined,
  verdict: Verdict,
  at: { startedMs: number; nowMs: number },
  random: () => number = () => 0,
): Cooldown {
  const target = cooldownTargets(verdict, KEY, REF).at(-1) ?? targetOf.model(REF);
  return nextCooldown(previous, { verdict, target, ...at, policy: POLICY, random });
}

/** The cooldown after this many consecutive failures, each after the previous cooldown ended. */
function afterFailures(count: number, verdict: Verdict): number {
  let cooldown: Cooldown | undefined;
  let nowMs = NOW;
  for (let nth = 0; nth < count; nth++) {
    nowMs = Math.max(cooldown?.untilMs ?? 0, nowMs) + 10;
    cooldown = fail(cooldown, verdict, { startedMs: nowMs - 5, nowMs });
  }
  return cooldown === undefined || cooldown.untilMs === 0
    ? 0
    : cooldown.untilMs === NEVER_MS
      ? NEVER_MS
      : cooldown.untilMs - nowMs;
}

test.each<[verdict: Verdict, lengths: (number | string)[]]>([
  [verdictOf("subscription"), ["5h", "5h"]],
  [verdictOf("payment"), ["5h", "5h"]],
  [verdictOf("quota"), ["5h", "5h"]],
  [verdictOf("quota", { waitMs: 7_200_000 }), ["2h", "2h"]],
  [verdictOf("rate-limit"), [30_000, 45_000, 67_500, 101_250]],
  [verdictOf("rate-limit", { waitMs: 7_000 }), [7_000, 7_000]],
  [verdictOf("rate-limit", { waitMs: 0 }), [1_000, 1_000]],
  [verdictOf("concurrency"), [2_000, 4_000, 8_000, 10_000, 10_000]],
  [verdictOf("auth"), ["5h", NEVER_MS]],
  [verdictOf("forbidden"), [600_000, 600_000]],
  [verdictOf("model-not-found"), ["12h"]],
  [verdictOf("model-not-found", { status: 410 }), ["168h"]],
  [verdictOf("overloaded"), [0, 4_000, 8_000, 16_000, 25_000]],
  [verdictOf("overloaded", { fault: "model" }), [4_000, 8_000, 16_000, 25_000]],
  [verdictOf("overloaded", { fault: "model", waitMs: 2_000 }), [2_000, 4_000, 8_000, 16_000, 25_000]],
  [verdictOf("server-error"), [0, 0, 4_000, 8_000]],
  [verdictOf("timeout"), [0, 4_000]],
  [verdictOf("reset"), [0, 0, 4_000]],
  [verdictOf("silent"), [25_000, 25_000]],
  [verdictOf("bad-request"), [0, 0]],
])("a party rests for as long as %j calls for", (verdict, lengths) => {
  const expected = lengths.map((length) =>
    typeof length === "number" ? length : Number.parseInt(length, 10) * 3_600_000,
  );
  expect(expected.map((_, index) => afterFailures(index + 1, verdict))).toEqual(expected);
});

test("a cooldown never grows past its ceiling", () => {
  expect(afterFailures(60, verdictOf("rate-limit"))).toBe(3_600_000);
});

describe("one burst", () => {
  const anyKind = fc.constantFrom(...VERDICT_KINDS);

  test("of parallel failures sets one rest and deepens it never", () => {
    fc.assert(
      fc.property(
        anyKind,
        fc.array(fc.nat({ max: 90_000 }), { minLength: 2, maxLength: 30 }),
        (kind, delays) => {
          const verdict = verdictOf(kind);
          const ends = delays.map((ms) => NOW + 1 + ms).toSorted((a, b) => a - b);
          let cooldown: Cooldown | undefined;
          let first: Cooldown | undefined;
          for (const nowMs of ends) {
            cooldown = fail(cooldown, verdict, { startedMs: NOW, nowMs });
            first ??= cooldown;
          }
          expect(cooldown).toEqual(first as Cooldown);
          expect(cooldown?.failures).toBe(1);
        },
      ),
    );
  });

  test("may learn of a later end, and is one strike all the same", () => {
    const first = fail(undefined, verdictOf("rate-limit"), { startedMs: NOW, nowMs: NOW + 5 });
    const told = fail(first, verdictOf("rate-limit", { waitMs: 90_000 }), { startedMs: NOW, nowMs: NOW + 9 });
    expect(told).toMatchObject({ failures: 1, untilMs: NOW + 9 + 90_000 });
    const latecomer = fail(told, verdictOf("rate-limit"), { startedMs: NOW, nowMs: NOW + 95_000 });
    expect(latecomer).toBe(told);
  });

  test("in which a heavier reason comes to light rests for that reason", () => {
    const limited = fail(undefined, verdictOf("rate-limit"), { startedMs: NOW, nowMs: NOW + 5 });
    const refused = fail(limited, verdictOf("subscription"), { startedMs: NOW, nowMs: NOW + 6 });
    expect(refused).toMatchObject({ kind: "subscription", failures: 1 });
    expect(fail(refused, verdictOf("rate-limit"), { startedMs: NOW, nowMs: NOW + 7 })).toBe(refused);
  });
});

test("a used-up quota does not make the next refusal of a key the second", () => {
  const quota = fail(undefined, verdictOf("quota"), { startedMs: NOW, nowMs: NOW + 1 });
  const later = quota.untilMs + 10;
  const refused = fail(quota, verdictOf("auth"), { startedMs: later, nowMs: later + 5 });
  expect(refused).toMatchObject({ kind: "auth", failures: 1, untilMs: later + 5 + POLICY.failWindowMs });
});

test("different ways to break are counted together", () => {
  let cooldown: Cooldown | undefined;
  for (const [nth, kind] of (["reset", "server-error", "timeout"] as const).entries()) {
    const nowMs = NOW + nth * 10;
    cooldown = fail(cooldown, verdictOf(kind), { startedMs: nowMs, nowMs: nowMs + 5 });
  }
  expect(cooldown).toMatchObject({ failures: 3, kind: "timeout" });
  expect(cooldown?.untilMs).toBeGreaterThan(NOW);
});

test("a probe that fails without a word does not cut a declared rest short", () => {
  const told = fail(undefined, verdictOf("rate-limit", { waitMs: 600_000 }), {
    startedMs: NOW,
    nowMs: NOW + 1,
  });
  const probed = fail(told, verdictOf("rate-limit"), { startedMs: NOW + 60_000, nowMs: NOW + 60_005 });
  expect(probed.untilMs).toBe(told.untilMs);
});

test("jitter only ever adds, and a tenth at most", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.integer({ min: 1_000, max: 10 ** 9 }),
      (dice, waitMs) => {
        const cooldown = fail(
          undefined,
          verdictOf("rate-limit", { waitMs }),
          { startedMs: NOW, nowMs: NOW },
          () => dice,
        );
        expect(cooldown.untilMs - NOW).toBeGreaterThanOrEqual(waitMs);
        expect(cooldown.untilMs - NOW).toBeLessThanOrEqual(waitMs * 1.1 + 1);
      },
    ),
  );
});

test.each<[kind: VerdictKind, left: object | undefined]>([
  ["rate-limit", undefined],
  ["quota", undefined],
  ["silent", undefined],
  ["overloaded", undefined],
  ["reset", { untilMs: 0, failures: 3 }],
  ["timeout", { untilMs: 0, failures: 3 }],
])("of a rest for %s the beginning of an answer leaves %j", (kind, left) => {
  let cooldown: Cooldown | undefined;
  for (let nth = 0; nth < 3; nth++)
    cooldown = fail(cooldown, verdictOf(kind), { startedMs: NOW + nth * 10, nowMs: NOW + nth * 10 + 5 });
  if (cooldown === undefined) throw new Error("no rest");
  const after = cooldownWhileAnswering(cooldown);
  if (left === undefined) expect(after).toBeUndefined();
  else expect(after).toMatchObject(left);
});

test("only what time heals is soft", () => {
  expect(VERDICT_KINDS.filter((kind) => !isSoft(kind))).toEqual([
    "subscription",
    "payment",
    "quota",
    "auth",
    "forbidden",
    "model-not-found",
    "path-not-found",
    "overflow",
    "output-limit",
    "unsupported",
    "bad-request",
    "content-policy",
  ]);
});

test("a silent lane cools down by itself also if its model is blamed", () => {
  const scopes = (fault: Fault): string[] =>
    cooldownTargets({ ...verdictOf("silent"), fault }, KEY, REF).map(({ scope }) => scope);
  expect([scopes("lane"), scopes("model"), scopes("request")]).toEqual([["lane"], ["lane", "model"], []]);
});
