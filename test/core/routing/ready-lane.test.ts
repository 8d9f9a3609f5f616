import { expect, test } from "bun:test";
import { fingerprint } from "../../../src/core/fingerprint.ts";
import type { Key } from "../../../src/core/key.ts";
import { emptyLoad, type Load } from "../../../src/core/routing/load.ts";
import { startProgress } from "../../../src/core/routing/progress.ts";
import { type ReadyInput, readyLane } from "../../../src/core/routing/ready-lane.ts";
import { type Rest, restId } from "../../../src/core/routing/rest.ts";

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

function restOf(key: Key, kind: Rest["kind"], untilMs: number): [string, Rest] {
  const id = restId.lane(key.fingerprint, REF);
  return [id, { id, scope: "lane", kind, status: 0, message: "", sinceMs: 0, untilMs, strikes: 1 }];
}

interface Given {
  strategy?: ReadyInput["strategy"];
  stuckTo?: Key;
  session?: string;
  rests?: [string, Rest][];
  busy?: Key[];
}

function inputOf({ strategy = "sticky", stuckTo, session, rests = [], busy = [] }: Given): ReadyInput {
  let draws = 0;
  const loads = new Map<string, Load>(busy.map((key) => [key.fingerprint, { ...emptyLoad(), inFlight: 1 }]));
  return {
    progress: startProgress([REF]),
    keysOf: () => KEYS,
    limitsOf: () => ({ rpm: undefined, concurrency: undefined }),
    health: new Map(rests),
    probing: new Set(),
    loads,
    nowMs: NOW,
    strategy,
    contextOf: () => ({
      session,
      stuckTo: stuckTo?.fingerprint,
      turn: 0,
      // Draws the keys one after the other.
      random: () => (draws++ + 0.5) / KEYS.length,
    }),
  };
}

test.each<[name: string, given: Given, place: number | undefined]>([
  ["the session's own key, wherever it stands", { stuckTo: keyAt(777) }, 777],
  ["the first drawn", {}, 0],
  ["the first drawn that does not rest", { rests: [restOf(keyAt(0), "rate-limit", NOW + 1)] }, 1],
  ["one whose soft rest has ended", { rests: [restOf(keyAt(0), "rate-limit", NOW - 1)] }, 0],
  ["one that was refused long ago", { rests: [restOf(keyAt(0), "subscription", NOW - 1)] }, 0],
  ["an idle key before one in use", { busy: [keyAt(0), keyAt(1)] }, 2],
  ["with `random` one in use, too", { strategy: "random", busy: [keyAt(0)] }, 0],
  [
    "another when the session's own rests",
    { stuckTo: keyAt(0), rests: [restOf(keyAt(0), "auth", NOW + 1)] },
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

test("a lane that is to be tried again comes before all others, so it is left to the long way", () => {
  const input = inputOf({});
  input.progress.again = "some lane";
  expect(readyLane(REF, input)).toBeUndefined();
});
