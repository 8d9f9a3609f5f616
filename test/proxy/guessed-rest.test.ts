import { expect, test } from "bun:test";
import { overloaded, rateLimited, unauthorized } from "../../src/demo/replies.ts";
import type { Answer, Reply } from "../../src/demo/reply.ts";
import { FakeClock } from "./fake-clock.ts";
import { type Rig, until, withPair } from "./rig.ts";

const GOOD: Answer = { kind: "answer", text: "fine" };
const KEYS = ["one", "two", "three"];

interface Setting {
  clock: FakeClock;
  rig: Rig;
  calls: () => number;
}

/** One model with some keys, before a clock that stands still. */
function withClock(
  options: { reply: (nth: number) => Reply; keys?: string[]; config?: Record<string, unknown> },
  work: (setting: Setting) => Promise<void>,
): Promise<void> {
  const clock = new FakeClock();
  const { reply, keys = KEYS, config = {} } = options;
  return withPair(
    { reply: (call) => reply(call.nthOfAll), keys, chain: ["a/first"], config, chance: clock.chance() },
    (rig, upstream) => work({ clock, rig, calls: () => upstream.calls.length }),
  );
}

const isWaiting = (rig: Rig): Promise<void> => until(() => rig.router.waiting.length === 1);

test("limits without a hint are asked once more after half of the patience, and then it is over", () =>
  withClock({ reply: () => rateLimited() }, async ({ clock, rig, calls }) => {
    const asked = rig.ask();
    await isWaiting(rig);
    expect(calls()).toBe(3);
    clock.advance(2_499);
    expect(rig.router.waiting.length).toBe(1);
    expect(calls()).toBe(3);
    clock.advance(1);
    const response = await asked;
    expect([response.status, calls()]).toEqual([400, 4]);
    expect(await response.text()).toContain("ALL KEYS EXHAUSTED");
    expect(rig.records()[0]).toMatchObject({ outcome: "exhausted", waitedMs: 2_500 });
  }));

test("a guess that proves wrong is an answer", () =>
  withClock({ reply: (nth) => (nth <= 3 ? rateLimited() : GOOD) }, async ({ clock, rig, calls }) => {
    const asked = rig.ask();
    await isWaiting(rig);
    clock.advance(2_500);
    expect((await asked).status).toBe(200);
    expect(calls()).toBe(4);
  }));

test("rests that were guessed a while ago are asked about at once", () =>
  withClock({ reply: (nth) => (nth <= 4 ? rateLimited() : GOOD) }, async ({ clock, rig, calls }) => {
    const first = rig.ask();
    await isWaiting(rig);
    clock.advance(2_500);
    expect((await first).status).toBe(400);
    clock.advance(3_000);
    const waited = rig.router.waiting.length;
    expect([(await rig.ask()).status, calls(), waited]).toEqual([200, 5, 0]);
  }));

test("of two that wait for one key the one finds out for both", () =>
  withClock(
    { reply: (nth) => (nth === 1 ? rateLimited() : GOOD), keys: ["one"] },
    async ({ clock, rig, calls }) => {
      const first = rig.ask();
      await isWaiting(rig);
      const second = rig.ask();
      await until(() => rig.router.waiting.length === 2);
      clock.advance(2_500);
      expect([(await first).status, (await second).status, calls()]).toEqual([200, 200, 3]);
    },
  ));

test("of two that wait for one key in vain only the one asks", () =>
  withClock({ reply: () => rateLimited(), keys: ["one"] }, async ({ clock, rig, calls }) => {
    const first = rig.ask();
    await isWaiting(rig);
    const second = rig.ask();
    await until(() => rig.router.waiting.length === 2);
    clock.advance(2_500);
    expect([(await first).status, (await second).status, calls()]).toEqual([400, 400, 2]);
  }));

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
      expect(rig.router.health.size).toBe(0);
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
