import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  type Fault,
  USUAL_FAULT,
  VERDICT_KINDS,
  type Verdict,
  type VerdictKind,
} from "../../src/core/verdict/verdict.ts";
import { type Outcome, Simulation, type Trip, triesByLane, type World } from "./simulation.ts";

/** Whom else than the usual party a kind may blame, as the rules have it. */
const OTHER_FAULTS: Partial<Record<VerdictKind, Fault[]>> = {
  quota: ["lane"],
  "rate-limit": ["model"],
  forbidden: ["provider", "lane", "request"],
  "model-not-found": ["lane"],
  overloaded: ["model"],
  "server-error": ["provider"],
};

function anyVerdict(kinds: readonly VerdictKind[]): fc.Arbitrary<Verdict> {
  return fc
    .constantFrom(...kinds)
    .chain((kind) =>
      fc
        .tuple(
          fc.constantFrom(USUAL_FAULT[kind], ...(OTHER_FAULTS[kind] ?? [])),
          fc.constantFrom(undefined, undefined, 0, 500, 2_000, 20_000, 36_000_000),
          fc.constantFrom(400, 401, 403, 404, 410, 429, 500, 503),
        )
        .map(([fault, waitMs, status]) => ({ kind, fault, status, waitMs, rule: "any", message: "" })),
    );
}

function anyOutcome(kinds: readonly VerdictKind[]): fc.Arbitrary<Outcome> {
  return fc.record({
    verdict: fc.option(anyVerdict(kinds), { nil: undefined, freq: 6 }),
    ms: fc.constantFrom(0, 1, 40, 900, 7_000),
  });
}

function anyWorld(kinds: readonly VerdictKind[]): fc.Arbitrary<World> {
  return fc.record({
    keys: fc.integer({ min: 1, max: 4 }),
    models: fc.constantFrom(["a/x"], ["a/x", "a/y"], ["a/x", "b/x"], ["a/x", "a/y", "b/z"]),
    routing: fc.record({
      strategy: fc.constantFrom("sticky", "random", "round-robin", "least-failures"),
      tries_per_key: fc.constantFrom(1, 1, 2, 5, 11),
      rate_limit_threshold: fc.constantFrom(1, 3, 100),
      patience: fc.constantFrom("0s", "5s"),
      max_wait: fc.constantFrom("0s", "30s"),
    }),
    limits: fc.constantFrom({}, {}, { concurrency: 1 }, { concurrency: 2 }, { rpm: 2 }),
    requests: fc.array(
      fc.record({
        atMs: fc.constantFrom(0, 0, 0, 1, 50, 3_000, 20_000, 70_000),
        outcomes: fc.array(anyOutcome(kinds), { minLength: 1, maxLength: 8 }),
      }),
      { minLength: 1, maxLength: 8 },
    ),
  });
}

const HICCUPS: VerdictKind[] = ["server-error", "timeout", "reset"];

/**
 * The bound: on one lane (key and model) a request makes at most
 *   max(tries_per_key, 8) calls, the eight being those of a full account that is waited for, and
 *   max(tries_per_key, 4) where nobody speaks of calls at a time (an overloaded model with no other behind it),
 *   max(tries_per_key, 2) where calls only break, and 1 where keys and plans are refused.
 * Over a chain of models that is the sum over their lanes.
 */
const BOUNDS: [what: string, kinds: readonly VerdictKind[], tries: (perKey: number) => number][] = [
  ["whatever goes wrong", VERDICT_KINDS, (perKey) => Math.max(perKey, 8)],
  [
    "when no account is full",
    VERDICT_KINDS.filter((kind) => kind !== "concurrency"),
    (perKey) => Math.max(perKey, 4),
  ],
  ["when calls only break", HICCUPS, (perKey) => Math.max(perKey, 2)],
  [
    "when keys and plans are refused",
    ["auth", "payment", "quota", "subscription", "model-not-found", "forbidden", "silent", "overflow"],
    () => 1,
  ],
];

/** However often it waits and is told to wait. */
function boundMs({ progress, upstreamMs }: Trip): number {
  const { patience, rest, queue } = progress.waitedMs;
  expect(patience).toBeLessThanOrEqual(5_000);
  expect(rest).toBeLessThanOrEqual(30_000);
  expect(queue).toBeLessThanOrEqual(300_000);
  return patience + rest + queue + upstreamMs;
}

test.each(BOUNDS)("every request ends, within its tries and its waits, %s", async (_what, kinds, tries) => {
  await fc.assert(
    fc.asyncProperty(anyWorld(kinds), async (world) => {
      const simulation = new Simulation(world);
      const perLane = tries(Number(world.routing["tries_per_key"]));
      for (const trip of await simulation.run()) {
        const lanes = world.models.length * world.keys;
        expect(trip.progress.attempts.length).toBeLessThanOrEqual(lanes * perLane);
        for (const count of triesByLane(trip.progress).values()) expect(count).toBeLessThanOrEqual(perLane);
        expect(trip.tookMs).toBeLessThanOrEqual(boundMs(trip));
      }
      for (const key of simulation.keys) expect(simulation.router.inFlight(key)).toBe(0);
      expect(simulation.router.waiting.length).toBe(0);
    }),
    { numRuns: 500 },
  );
});

test("an answer leaves no rest on the lane that gave it", async () => {
  await fc.assert(
    fc.asyncProperty(anyWorld(VERDICT_KINDS), async (world) => {
      const [request] = world.requests;
      fc.pre(request !== undefined);
      // One request alone: nobody else can have learned something in the meantime.
      const simulation = new Simulation({ ...world, requests: [request] as World["requests"] });
      const [trip] = await simulation.run();
      const last = trip?.progress.attempts.at(-1);
      if (trip?.end !== "answer" || last === undefined) return;
      const own = [...simulation.router.health.keys()].filter(
        (id) =>
          id === `lane ${last.key.fingerprint} ${last.ref.provider}/${last.ref.model}` ||
          id === `key ${last.key.fingerprint}`,
      );
      expect(own).toEqual([]);
    }),
    { numRuns: 150 },
  );
});
