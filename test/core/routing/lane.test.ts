import { expect, test } from "bun:test";
import fc from "fast-check";
import { fingerprint, type Key } from "../../../src/core/key.ts";
import { UNKNOWN_STANDING } from "../../../src/core/quota/rank.ts";
import { type Cooldown, targetOf } from "../../../src/core/routing/cooldown.ts";
import { lanesOf, type ReadyInput, readyLane } from "../../../src/core/routing/lane.ts";
import { emptyLoad, type Load } from "../../../src/core/routing/limits.ts";
import { laneId, startProgress } from "../../../src/core/routing/progress.ts";
import { chooseKey } from "../../../src/core/routing/session.ts";
import { ownWords } from "../../../src/core/scrub.ts";

const REF = { provider: "p", model: "m" };
const NOW = 1_000_000;

const KEYS: Key[] = Array.from({ length: 1000 }, (_, number) => ({
  provider: "p",
  name: `key-${number}`,
  fingerprint: fingerprint(`secret-${number}`),
  secret: `secret-${number}`,
  enabled: true,
  source: "keys.toml",
  from: "keys.toml",
}));

function keyAt(place: number): Key {
  const key = KEYS[place];
  if (key === undefined) throw new Error("no such key");
  return key;
}

function cooldownOf(key: Key, kind: Cooldown["kind"], untilMs: number): [string, Cooldown] {
  const target = targetOf.lane(key.fingerprint, REF);
  return [
    target.id,
    {
      ...target,
      kind,
      status: 0,
      message: ownWords(""),
      sinceMs: 0,
      untilMs,
      failures: 1,
      isDeclared: false,
    },
  ];
}

interface Given {
  strategy?: ReadyInput["strategy"];
  stuckTo?: Key;
  session?: string;
  cooldowns?: [string, Cooldown][];
  busy?: Key[];
}

function inputOf({ strategy = "sticky", stuckTo, session, cooldowns = [], busy = [] }: Given): ReadyInput {
  let draws = 0;
  const loads = new Map<string, Load>(busy.map((key) => [key.fingerprint, { ...emptyLoad(), inFlight: 1 }]));
  return {
    progress: startProgress([REF]),
    keysOf: () => KEYS,
    limitsOf: () => ({ rpm: undefined, concurrency: undefined }),
    cooldowns: new Map(cooldowns),
    probing: new Map(),
    maxWaitMs: 90_000,
    loads,
    nowMs: NOW,
    strategy,
    contextOf: () => ({
      session,
      stuckTo: stuckTo?.fingerprint,
      turn: 0,
      // Picks the keys one after the other.
      random: () => (draws++ + 0.5) / KEYS.length,
    }),
  };
}

test.each<[name: string, given: Given, place: number | undefined]>([
  ["the session's own key, wherever it stands", { stuckTo: keyAt(777) }, 777],
  ["the first drawn", {}, 0],
  ["the first drawn that does not rest", { cooldowns: [cooldownOf(keyAt(0), "rate-limit", NOW + 1)] }, 1],
  ["one whose soft rest has ended", { cooldowns: [cooldownOf(keyAt(0), "rate-limit", NOW - 1)] }, 0],
  ["one that was refused long ago", { cooldowns: [cooldownOf(keyAt(0), "subscription", NOW - 1)] }, 0],
  ["an idle key before one in use", { busy: [keyAt(0), keyAt(1)] }, 2],
  ["with `random` one in use, too", { strategy: "random", busy: [keyAt(0)] }, 0],
  [
    "another when the session's own rests",
    { stuckTo: keyAt(0), cooldowns: [cooldownOf(keyAt(0), "auth", NOW + 1)] },
    1,
  ],
  ["nothing where most are busy: all have to be looked at", { busy: KEYS.slice(0, 900) }, undefined],
  ["nothing for a new session: its key is not left to chance", { session: "s" }, undefined],
  ["nothing for strategies that compare all keys", { strategy: "least-failures" }, undefined],
  ["nothing for strategies that count all keys", { strategy: "round-robin" }, undefined],
])("of a thousand keys it takes %s", (_name, given, place) => {
  const lane = readyLane(REF, inputOf(given));
  expect(lane?.key.name).toBe(place === undefined ? undefined : keyAt(place).name);
});

interface Lot {
  cooling: "no" | "lasting" | "over";
  isBusy: boolean;
  isEnabled: boolean;
  isPaused: boolean;
  isExcluded: boolean;
}

const anyLot: fc.Arbitrary<Lot> = fc.record({
  cooling: fc.constantFrom("no", "no", "lasting", "over"),
  isBusy: fc.boolean(),
  isEnabled: fc.constantFrom(true, true, false),
  isPaused: fc.constantFrom(false, false, true),
  isExcluded: fc.constantFrom(false, false, true),
});

test("the short way takes only lanes that the long way could have taken", () => {
  const anyCase = fc.record({
    lots: fc.array(anyLot, { minLength: 1, maxLength: 30 }),
    strategy: fc.constantFrom("sticky", "random", "round-robin", "least-failures"),
    stuckTo: fc.option(fc.nat({ max: 29 }), { nil: undefined }),
    session: fc.constantFrom(undefined, "s"),
    dice: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 20 }),
  });
  fc.assert(
    fc.property(anyCase, ({ lots, strategy, stuckTo, session, dice }) => {
      const keys = lots.map(({ isEnabled }, nth) => ({ ...keyAt(nth), enabled: isEnabled }));
      const input = inputOf({
        strategy,
        ...(session === undefined ? {} : { session }),
        ...(stuckTo === undefined ? {} : { stuckTo: keyAt(stuckTo) }),
        cooldowns: lots.flatMap(({ cooling }, nth): [string, Cooldown][] =>
          cooling === "no"
            ? []
            : [cooldownOf(keyAt(nth), "silent", cooling === "lasting" ? NOW + 9 : NOW - 1)],
        ),
        busy: keys.filter((_, nth) => lots[nth]?.isBusy),
      });
      for (const [nth, { isPaused, isExcluded }] of lots.entries()) {
        const lane = laneId(keyAt(nth), REF);
        if (isPaused)
          input.progress.pauses.set(lane, { kind: "reset", failures: 1, untilMs: NOW - 1, isDemoting: true });
        if (isExcluded) input.progress.excludedLanes.add(lane);
      }
      let draws = 0;
      const contextOf: ReadyInput["contextOf"] = (provider) => ({
        ...input.contextOf(provider),
        random: () => dice[draws++ % dice.length] ?? 0,
      });
      const situation = { ...input, keysOf: () => keys, contextOf };
      const ready = readyLane(REF, situation);
      if (ready === undefined) return;
      const free = lanesOf(REF, situation).filter((lane) => lane.isFree);
      const candidates = free.map(({ key }) => ({
        key,
        cooldowns: 0,
        cooldownMs: 0,
        inFlight: input.loads.get(key.fingerprint)?.inFlight ?? 0,
        lastUsedMs: 0,
        standing: UNKNOWN_STANDING,
      }));
      // For any random number of the long path.
      const possible = candidates.map((_, nth) => {
        const random = (): number => (nth + 0.5) / candidates.length;
        return chooseKey(strategy, candidates, { ...contextOf("p"), random })?.key.name;
      });
      expect(possible).toContain(ready.key.name);
    }),
    { numRuns: 2_000 },
  );
});

test("a lane that is to be tried again comes before all others, so it is left to the long way", () => {
  const input = inputOf({});
  input.progress.again = "some lane";
  expect(readyLane(REF, input)).toBeUndefined();
});
