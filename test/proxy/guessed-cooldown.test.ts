import { expect, test } from "bun:test";
import { type Answer, overloaded, type Reply, rateLimited, unauthorized } from "../../src/demo/reply.ts";
import { FakeClock } from "./fake-clock.ts";
import { type Rig, until, withPair } from "./rig.ts";

const GOOD: Answer = { kind: "answer", text: "fine" };
const KEYS = ["one", "two", "three"];

interface Setting {
  clock: FakeClock;
  rig: Rig;
  calls: () => number;
}

/** One model with some keys, on a clock that stands still. */
function withClock(
  options: {
    reply: (nth: number) => Reply;
    keys?: string[];
    config?: Record<string, unknown>;
    clock?: FakeClock;
  },
  work: (setting: Setting) => Promise<void>,
): Promise<void> {
  const { reply, keys = KEYS, config = {}, clock = new FakeClock() } = options;
  return withPair(
    { reply: (call) => reply(call.nthOfAll), keys, chain: ["a/first"], config, env: clock.env() },
    (rig, upstream) => work({ clock, rig, calls: () => upstream.calls.length }),
  );
}

const isWaiting = (rig: Rig): Promise<void> => until(() => rig.router.queue.length === 1);

/** The time of each call since the start, in milliseconds. */
function withTimes(reply: (nth: number) => Reply): {
  reply: (nth: number) => Reply;
  clock: FakeClock;
  times: number[];
} {
  const clock = new FakeClock();
  const startMs = clock.ms;
  const times: number[] = [];
  return {
    clock,
    times,
    reply: (nth) => {
      times.push(clock.ms - startMs);
      return reply(nth);
    },
  };
}

/** Moves the clock in small steps until the answer arrives. */
async function passTime(clock: FakeClock, asked: Promise<Response>): Promise<Response> {
  let response: Response | undefined;
  void asked.then((one) => {
    response = one;
  });
  while (response === undefined) {
    await Bun.sleep(1);
    clock.advance(100);
  }
  return response;
}

test("limits without a hint are asked about at growing distances until max_wait is over", () => {
  const { reply, clock, times } = withTimes(() => rateLimited());
  return withClock({ reply, keys: ["one"], clock }, async ({ rig }) => {
    const response = await passTime(clock, rig.ask());
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("ALL KEYS EXHAUSTED");
    // An agent alone would ask ten times within these 90 s, and then give up.
    expect(times.length).toBeGreaterThanOrEqual(10);
    expect(times.length).toBeLessThanOrEqual(20);
    expect(times[1]).toBeGreaterThanOrEqual(1_500);
    expect(times.at(-1)).toBeGreaterThanOrEqual(82_000);
    expect(times.at(-1)).toBeLessThanOrEqual(92_000);
    expect(rig.records()[0]?.outcome).toBe("exhausted");
  });
});

test("a guess that proves wrong is an answer", () =>
  withClock({ reply: (nth) => (nth <= 3 ? rateLimited() : GOOD) }, async ({ clock, rig, calls }) => {
    const asked = rig.ask();
    await isWaiting(rig);
    clock.advance(1_499);
    expect([rig.router.queue.length, calls()]).toEqual([1, 3]);
    clock.advance(1);
    expect((await asked).status).toBe(200);
    expect(calls()).toBe(4);
  }));

test("limits that were guessed a while ago are asked about at once", () =>
  withClock({ reply: (nth) => (nth <= 6 ? rateLimited() : GOOD) }, async ({ clock, rig, calls }) => {
    const leaving = new AbortController();
    const first = rig.ask({ signal: leaving.signal }).catch(() => undefined);
    await isWaiting(rig);
    clock.advance(1_500);
    await until(() => calls() === 6);
    leaving.abort();
    await first;
    await until(() => rig.records().length === 1);
    clock.advance(4_000);
    expect([(await rig.ask()).status, calls(), rig.router.queue.length]).toEqual([200, 7, 0]);
  }));

test("of two that wait for one key the one finds out for both", () =>
  withClock(
    { reply: (nth) => (nth === 1 ? rateLimited() : GOOD), keys: ["one"] },
    async ({ clock, rig, calls }) => {
      const first = rig.ask();
      await isWaiting(rig);
      const second = rig.ask();
      await until(() => rig.router.queue.length === 2);
      clock.advance(1_500);
      expect([(await first).status, (await second).status, calls()]).toEqual([200, 200, 3]);
    },
  ));

test("of two that wait for one key in vain only one asks at a time, and both end", () => {
  const { reply, clock, times } = withTimes(() => rateLimited());
  return withClock({ reply, keys: ["one"], clock }, async ({ rig }) => {
    const first = rig.ask();
    await isWaiting(rig);
    const both = Promise.all([first, rig.ask()]);
    await passTime(
      clock,
      both.then(([one]) => one),
    );
    expect((await both).map((response) => response.status)).toEqual([400, 400]);
    expect(times.length).toBeLessThanOrEqual(20);
  });
});

test("an end that the provider has named is waited for as before", () =>
  withClock({ reply: (nth) => (nth <= 3 ? rateLimited(20) : GOOD) }, async ({ clock, rig, calls }) => {
    const asked = rig.ask();
    await isWaiting(rig);
    clock.advance(19_999);
    expect(calls()).toBe(3);
    clock.advance(1);
    expect((await asked).status).toBe(200);
  }));

test("without patience or a wait nothing is asked twice", () =>
  withClock(
    { reply: () => rateLimited(), config: { routing: { patience: "0s", max_wait: "0s" } } },
    async ({ rig, calls }) => {
      expect((await rig.ask()).status).toBe(400);
      expect(calls()).toBe(3);
    },
  ));

test.each(["0s", "5s"])(
  "a cooldown that is over within max_wait is sat out, with patience %s",
  (patience) => {
    const routing = { patience, max_wait: "30s", cooldown: { base: "8s", factor: 2 } };
    return withClock(
      { reply: (nth) => (nth === 1 ? rateLimited() : GOOD), keys: ["one"], config: { routing } },
      async ({ clock, rig, calls }) => {
        const asked = rig.ask();
        await isWaiting(rig);
        clock.advance(7_999);
        expect(calls()).toBe(1);
        clock.advance(1);
        expect([(await asked).status, calls()]).toEqual([200, 2]);
      },
    );
  },
);

test("a key that was refused is asked once more when its rest is over, though others are good", () =>
  withClock(
    {
      reply: (nth) => (nth === 1 ? unauthorized() : GOOD),
      keys: ["one", "two"],
      config: { routing: { strategy: "round-robin", fail_window: "1m" } },
    },
    async ({ clock, rig }) => {
      const keyOf = async (): Promise<string | null> => (await rig.ask()).headers.get("x-orouter-key");
      const good = await keyOf();
      expect([await keyOf(), await keyOf()]).toEqual([good, good]);
      clock.advance(60_000);
      expect(new Set([await keyOf(), await keyOf()]).size).toBe(2);
      expect(rig.router.cooldowns.size).toBe(0);
    },
  ));

test("a busy model is given its time, guessed as that may be", () =>
  withClock(
    { reply: (nth) => (nth <= 2 ? overloaded() : GOOD), keys: ["one"] },
    async ({ clock, rig, calls }) => {
      const asked = rig.ask();
      while (rig.records().length === 0 && calls() < 3) {
        await Bun.sleep(1);
        clock.advance(1_000);
      }
      expect((await asked).status).toBe(200);
    },
  ));
