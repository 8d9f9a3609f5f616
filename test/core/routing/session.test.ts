import { expect, test } from "bun:test";
import { UNKNOWN_STANDING } from "../../../src/core/quota/rank.ts";
import { type Candidate, chooseKey } from "../../../src/core/routing/session.ts";
import { keyNamed } from "../../proxy/rig.ts";

function candidate(name: string, more: Partial<Candidate> = {}): Candidate {
  const standing = UNKNOWN_STANDING;
  return {
    key: keyNamed("a", name),
    cooldowns: 0,
    cooldownMs: 0,
    inFlight: 0,
    lastUsedMs: 0,
    standing,
    ...more,
  };
}

const fingerprintOf = (name: string): string => keyNamed("a", name).fingerprint;
const THREE = [candidate("one"), candidate("two"), candidate("three")];
const context = { session: undefined, stuckTo: undefined, turn: 0, random: () => 0 };
const nameOf = (chosen: Candidate | undefined): string | undefined => chosen?.key.name;

test("sticky keeps a session's key, and gives a new one the key that carries least", () => {
  expect(nameOf(chooseKey("sticky", THREE, { ...context, stuckTo: fingerprintOf("three") }))).toBe("three");
  const busy = [
    candidate("one", { inFlight: 2 }),
    candidate("two", { inFlight: 1 }),
    candidate("three", { inFlight: 1 }),
  ];
  expect(nameOf(chooseKey("sticky", busy, context))).toBe("two");
  expect(nameOf(chooseKey("sticky", busy, { ...context, random: () => 0.99 }))).toBe("three");
  expect(nameOf(chooseKey("sticky", busy, { ...context, stuckTo: "gone" }))).toBe("two");
});

test("a session falls to the same key whatever the dice, and its neighbours to others", () => {
  const chosenFor = (session: string, among = THREE): string | undefined =>
    nameOf(chooseKey("sticky", among, { ...context, session, random: Math.random }));
  const sessions = Array.from({ length: 300 }, (_, nth) => `ses_${nth}`);
  const first = sessions.map((session) => chosenFor(session));
  expect(sessions.map((session) => chosenFor(session, THREE.toReversed()))).toEqual(first);
  for (const name of ["one", "two", "three"])
    expect(first.filter((chosen) => chosen === name).length).toBeGreaterThan(60);
  // Removing a key moves only its own sessions.
  const two = THREE.filter(({ key }) => key.name !== "three");
  for (const [nth, session] of sessions.entries())
    if (first[nth] !== "three") expect(chosenFor(session, two)).toBe(first[nth]);
});

test("a session's own key is not waited for where another carries less", () => {
  const own = nameOf(chooseKey("sticky", THREE, { ...context, session: "ses_1" }));
  const busy = THREE.map((one) => (one.key.name === own ? { ...one, inFlight: 1 } : one));
  expect(nameOf(chooseKey("sticky", busy, { ...context, session: "ses_1" }))).not.toBe(own);
});

test("random goes by the dice, round-robin by the turn", () => {
  expect(
    [0, 0.5, 0.99].map((dice) => nameOf(chooseKey("random", THREE, { ...context, random: () => dice }))),
  ).toEqual(["one", "two", "three"]);
  expect([0, 1, 2, 3].map((turn) => nameOf(chooseKey("round-robin", THREE, { ...context, turn })))).toEqual([
    "one",
    "two",
    "three",
    "one",
  ]);
});

test("least-failures goes by rests, then their length, then the last use", () => {
  const order = [
    candidate("often", { cooldowns: 2 }),
    candidate("long", { cooldowns: 1, cooldownMs: 90 }),
    candidate("late", { cooldowns: 1, cooldownMs: 10, lastUsedMs: 5 }),
    candidate("early", { cooldowns: 1, cooldownMs: 10, lastUsedMs: 4 }),
  ];
  const chosen: (string | undefined)[] = [];
  for (let left = order; left.length > 0; ) {
    const next = chooseKey("least-failures", left, context);
    chosen.push(nameOf(next));
    left = left.filter((one) => one !== next);
  }
  expect(chosen).toEqual(["early", "late", "long", "often"]);
});

test.each(["sticky", "random", "round-robin", "least-failures"] as const)(
  "%s chooses nobody among none",
  (strategy) => {
    expect(chooseKey(strategy, [], context)).toBeUndefined();
  },
);
