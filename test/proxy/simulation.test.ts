import { expect, test } from "bun:test";
import fc from "fast-check";
import { isSoft } from "../../src/core/routing/cooldown.ts";
import {
  callsByLane,
  HARD,
  type LaneScript,
  type Outcome,
  Simulation,
  SOFT,
  type Trip,
  type World,
} from "./simulation.ts";

const RUNS = { numRuns: 150 };
const MAX_WAIT_MS = 90_000;
const NEVER = Number.POSITIVE_INFINITY;

/** The longest pause between two attempts on a lane, plus the time of the calls. */
const PAUSE_MS = 8_000;

/** Hard for one lane alone: a fault of a key affects every model. */
const HARD_FOR_LANES: readonly Outcome[] = ["planless"];

type Shape = Partial<World> & {
  first: readonly Outcome[];
  heals: readonly number[];
  callMs?: readonly number[];
};

function anyWorld({ first, heals, callMs = [0, 1, 40], ...fixed }: Shape): fc.Arbitrary<World> {
  const lane: fc.Arbitrary<LaneScript> = fc.record({
    first: fc.constantFrom(...first),
    healsMs: fc.constantFrom(...heals),
    callMs: fc.constantFrom(...callMs),
  });
  return fc.record({
    keys: fc.integer({ min: 1, max: 8 }),
    models: fc.constantFrom(["a/x"], ["a/x", "a/y"], ["a/x", "b/x"], ["a/x", "a/y", "b/z"]),
    routing: fc.record({
      strategy: fc.constantFrom("sticky", "random", "round-robin", "least-failures"),
      tries_per_key: fc.constantFrom(1, 1, 2, 5),
      rate_limit_threshold: fc.constantFrom(1, 3, 100),
      patience: fc.constantFrom("0s", "5s"),
      max_wait: fc.constant("90s"),
      first_token_timeout: fc.constant("2s"),
    }),
    limits: fc.constantFrom({}, {}, { concurrency: 1 }, { concurrency: 2 }),
    lanes: fc.array(lane, { minLength: 1, maxLength: 8 }),
    requestsMs: fc.array(fc.constantFrom(0, 0, 1, 50, 3_000, 20_000), { minLength: 1, maxLength: 4 }),
    ...Object.fromEntries(Object.entries(fixed).map(([name, value]) => [name, fc.constant(value)])),
  }) as fc.Arbitrary<World>;
}

function isEverAnswered(simulation: Simulation): boolean {
  return simulation.scripts.some(({ healsMs, first }) => Number.isFinite(healsMs) && !HARD.includes(first));
}

test("a request is never given up while a lane would answer within max_wait of trying", async () => {
  const world = anyWorld({
    first: [...SOFT, ...SOFT, ...HARD_FOR_LANES, ...HARD_FOR_LANES, "broken"],
    heals: [0, 400, 2_000, 12_000, 40_000, 70_000, NEVER],
  });
  await fc.assert(
    fc.asyncProperty(world, async (one) => {
      const simulation = new Simulation(one);
      fc.pre(isEverAnswered(simulation));
      for (const trip of await simulation.run()) {
        expect([trip.end, trip.progress.attempts.length > 0]).toEqual(["answer", true]);
      }
    }),
    RUNS,
  );
});

test("an outage of everything is over for a request as soon as a lane has been asked again", async () => {
  const world = anyWorld({ first: SOFT, heals: [2_000, 8_000, 30_000, 60_000], limits: {} });
  await fc.assert(
    fc.asyncProperty(world, async (one) => {
      const simulation = new Simulation(one);
      const healedMs = simulation.startMs + Math.min(...simulation.scripts.map(({ healsMs }) => healsMs));
      for (const { end, endMs, fromMs } of await simulation.run()) {
        expect(end).toBe("answer");
        expect(endMs - Math.max(fromMs, healedMs)).toBeLessThanOrEqual(2 * PAUSE_MS + 5_000);
      }
    }),
    RUNS,
  );
});

test("a lane that failed hard is asked once, and nobody waits where nothing soft is left", async () => {
  await fc.assert(
    fc.asyncProperty(anyWorld({ first: HARD, heals: [NEVER], limits: {} }), async (world) => {
      const simulation = new Simulation(world);
      for (const trip of await simulation.run()) {
        expect(trip.end).toBe("exhausted");
        expect(trip.endMs - trip.fromMs).toBeLessThanOrEqual(world.keys * world.models.length * 40);
        for (const calls of callsByLane(trip.progress).values()) expect(calls.length).toBe(1);
      }
    }),
    RUNS,
  );
});

/** The maximum number of calls to a lane in a time: the doubling pauses at first, then one in six seconds. */
function mostCalls(tookMs: number, triesPerKey: number): number {
  return 8 + triesPerKey + tookMs / 6_000;
}

function expectBounded(trip: Trip, triesPerKey: number): void {
  for (const calls of callsByLane(trip.progress).values()) {
    expect(calls.length).toBeLessThanOrEqual(mostCalls(trip.endMs - trip.fromMs, triesPerKey));
    const hardAt = calls.findIndex(({ verdict }) => verdict !== undefined && !isSoft(verdict.kind));
    expect([-1, calls.length - 1]).toContain(hardAt);
  }
}

test("whatever goes wrong a request ends, soon after its time is up, and asks no lane too often", async () => {
  const world = anyWorld({
    first: [...SOFT, ...HARD, "limited for hours", "silent", "broken"],
    heals: [0, 3_000, NEVER, NEVER, NEVER],
    callMs: [0, 40, 900, 7_000],
  });
  await fc.assert(
    fc.asyncProperty(world, async (one) => {
      const simulation = new Simulation(one);
      const triesPerKey = Number(one.routing["tries_per_key"]);
      for (const trip of await simulation.run()) {
        expectBounded(trip, triesPerKey);
        const { patience, cooldown, queue } = trip.progress.waitedMs;
        expect(patience).toBeLessThanOrEqual(5_000);
        expect(cooldown).toBeLessThanOrEqual(MAX_WAIT_MS + 1_000 * triesPerKey);
        expect(queue).toBeLessThanOrEqual(300_000);
      }
      for (const key of simulation.keys) expect(simulation.router.inFlight(key)).toBe(0);
      expect(simulation.router.queue.length).toBe(0);
    }),
    RUNS,
  );
});

test("what cannot be solved ends when the time for trying is up", async () => {
  const world = anyWorld({ first: SOFT, heals: [NEVER], limits: {}, requestsMs: [0] });
  await fc.assert(
    fc.asyncProperty(world, async (one) => {
      const [trip] = await new Simulation(one).run();
      expect(trip?.end).toBe("exhausted");
      const tookMs = (trip?.endMs ?? 0) - (trip?.fromMs ?? 0);
      expect(tookMs).toBeGreaterThanOrEqual(MAX_WAIT_MS - PAUSE_MS);
      expect(tookMs).toBeLessThanOrEqual(MAX_WAIT_MS + 5_000);
    }),
    RUNS,
  );
});

test("beside healthy keys each silent one costs its first-token time at most", async () => {
  const world = anyWorld({ first: ["silent"], heals: [0, NEVER], limits: {} });
  await fc.assert(
    fc.asyncProperty(world, async (one) => {
      const simulation = new Simulation(one);
      const silent = simulation.scripts.filter(({ healsMs }) => healsMs > 0).length;
      fc.pre(silent < simulation.scripts.length);
      for (const { end, endMs, fromMs } of await simulation.run()) {
        expect(end).toBe("answer");
        expect(endMs - fromMs).toBeLessThanOrEqual(silent * 2_000 + 5_000);
      }
    }),
    RUNS,
  );
});

test("an answer leaves no cooldown on the lane that gave it", async () => {
  const world = anyWorld({ first: [...SOFT, ...HARD], heals: [0, 3_000, NEVER], requestsMs: [0] });
  await fc.assert(
    fc.asyncProperty(world, async (one) => {
      const simulation = new Simulation(one);
      const [trip] = await simulation.run();
      const last = trip?.progress.attempts.at(-1);
      if (trip?.end !== "answer" || last === undefined) return;
      const own = [...simulation.router.cooldowns.keys()].filter(
        (id) =>
          id === `lane ${last.key.fingerprint} ${last.ref.provider}/${last.ref.model}` ||
          id === `key ${last.key.fingerprint}`,
      );
      expect(own).toEqual([]);
    }),
    RUNS,
  );
});
