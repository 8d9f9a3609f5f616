import { expect, test } from "bun:test";
import type { Quota } from "../../src/core/quota/quota.ts";
import type { Answer } from "../../src/demo/reply.ts";
import { WaitQueue } from "../../src/proxy/wait-queue.ts";
import { FakeClock } from "./fake-clock.ts";
import { fastEnv, keyNamed, type PairOptions, type Rig, until, withPair } from "./rig.ts";

const GOOD: Answer = { kind: "answer", text: "fine" };
const MINUTE = 60_000;

/** A minute passes in a fifth of a second. */
const FAST = 300;

function spend(rig: Rig, name: string, resetsAt: number): void {
  const quota: Quota = {
    ...{ window: "5h", unit: "percent", remaining: 0, blocking: true, pool: "account", exact: true },
    resetsAt,
  };
  rig.router.quotas.take(keyNamed("a", name), { kind: "known", quotas: [quota] });
}

function withHold(
  test: (rig: Rig, calls: string[]) => Promise<void>,
  { hold = "8h", ...more }: Partial<PairOptions> & { hold?: string } = {},
): Promise<void> {
  const calls: string[] = [];
  const reply: PairOptions["reply"] = (call) => {
    calls.push(call.keyName);
    return more.reply?.(call) ?? GOOD;
  };
  const config = { routing: { hold }, ...more.config };
  const options = { keys: ["one", "two"], chain: ["a/first"], env: fastEnv(FAST), ...more, config, reply };
  return withPair(options, (rig) => test(rig, calls));
}

test("a request is held until the reset, and then answered", () =>
  withHold(async (rig, calls) => {
    const resetMs = rig.router.env.now() + 3 * MINUTE;
    spend(rig, "one", resetMs);
    spend(rig, "two", resetMs + 60 * MINUTE);
    const response = await rig.ask();
    // The head is out although nothing has been asked.
    expect([response.status, response.headers.get("content-type"), calls]).toEqual([
      200,
      "text/event-stream",
      [],
    ]);
    expect(rig.router.queue.waits()).toMatchObject([{ key: "one", why: "quota", isHold: true }]);
    const text = await response.text();
    expect(text).toStartWith(": keep-alive\n\n");
    expect(text).toContain("fine");
    expect(text).toContain("[DONE]");
    expect(calls).toEqual(["one"]);
    expect(rig.router.env.now()).toBeGreaterThanOrEqual(resetMs);
    expect(rig.records()).toMatchObject([{ outcome: "served", keyName: "one" }]);
  }));

test("without the setting, and for a reset that is too far, the request ends at once", async () => {
  for (const hold of ["0s", "2h"])
    await withHold(
      async (rig, calls) => {
        for (const name of ["one", "two"]) spend(rig, name, rig.router.env.now() + 180 * MINUTE);
        const response = await rig.ask();
        expect(response.status).toBe(400);
        expect(await response.text()).toContain("plan limit used up");
        expect(calls).toEqual([]);
      },
      { hold },
    );
});

test("a key that is used up by a refusal with a declared end is waited for, too", () =>
  withHold(
    async (rig, calls) => {
      const response = await rig.ask();
      expect(response.status).toBe(200);
      expect(await response.text()).toContain("fine");
      expect(calls.length).toBe(3);
    },
    {
      reply: ({ nthOfAll }) =>
        nthOfAll > 2
          ? GOOD
          : {
              kind: "error",
              status: 429,
              body: { error: { message: "you have reached your session usage limit, resets in 10 minutes" } },
            },
    },
  ));

test(
  "a computed end that is too far waits for a reading, and goes by it",
  () =>
    withHold(
      async (rig, calls) => {
        const response = await rig.ask();
        expect([response.status, calls.length]).toEqual([200, 2]);
        await until(() => rig.router.queue.length === 1);
        const resetMs = rig.router.env.now() + 3 * MINUTE;
        for (const name of ["one", "two"]) spend(rig, name, resetMs);
        expect(await response.text()).toContain("fine");
        expect(rig.router.env.now()).toBeGreaterThanOrEqual(resetMs);
      },
      {
        hold: "10m",
        // Slow enough for the test to come before the time for a reading is over.
        env: fastEnv(30),
        reply: ({ nthOfAll }) =>
          nthOfAll > 2
            ? GOOD
            : { kind: "error", status: 429, body: { error: "you have reached your weekly usage limit" } },
      },
    ),
  20_000,
);

test("what ends a hold early is a key that is free, not only the reset", () =>
  withHold(async (rig, calls) => {
    for (const name of ["one", "two"]) spend(rig, name, rig.router.env.now() + 300 * MINUTE);
    const response = await rig.ask();
    await until(() => rig.router.queue.length === 1);
    rig.router.quotas.take(keyNamed("a", "two"), {
      kind: "known",
      quotas: [
        { window: "5h", unit: "percent", remaining: 90, blocking: true, pool: "account", exact: true },
      ],
    });
    expect(await response.text()).toContain("fine");
    expect(calls).toEqual(["two"]);
  }));

test("a client that leaves ends the hold at once", () =>
  withHold(async (rig, calls) => {
    for (const name of ["one", "two"]) spend(rig, name, rig.router.env.now() + 300 * MINUTE);
    const leaving = new AbortController();
    const response = await rig.ask({ signal: leaving.signal });
    await until(() => rig.router.queue.length === 1);
    leaving.abort();
    await response.text().catch(() => {});
    await until(() => rig.records().length === 1);
    expect(rig.records()).toMatchObject([{ outcome: "client-gone" }]);
    expect([rig.router.queue.length, calls]).toEqual([0, []]);
  }));

test("a request that fails after its hold is told so within the stream, in words that start no retry", () =>
  withHold(
    async (rig) => {
      const resetMs = rig.router.env.now() + 3 * MINUTE;
      for (const name of ["one", "two"]) spend(rig, name, resetMs);
      const text = await (await rig.ask()).text();
      expect(text).toContain("invalid_prompt");
      expect(text).not.toContain("[DONE]");
      expect(rig.records()).toMatchObject([{ outcome: "exhausted" }]);
    },
    { reply: () => ({ kind: "error", status: 401, body: { error: { message: "invalid api key" } } }) },
  ));

test("an answer in one piece is held without a head", () =>
  withHold(async (rig) => {
    const resetMs = rig.router.env.now() + 2 * MINUTE;
    for (const name of ["one", "two"]) spend(rig, name, resetMs);
    const response = await rig.ask({ stream: false });
    expect(response.headers.get("content-type")).toContain("application/json");
    expect(await response.text()).toContain("fine");
    expect(rig.router.env.now()).toBeGreaterThanOrEqual(resetMs);
  }));

test("a long wait ends by the clock: after a sleep at once, after a clock that was set back later", async () => {
  for (const [jumpMs, expectedMs] of [
    [7 * 3_600_000, 5_000],
    [-3_600_000, 9 * 3_600_000],
  ] as const) {
    const clock = new FakeClock();
    const queue = new WaitQueue(clock.env());
    let isOver = false;
    const wait = queue
      .until({
        ticket: queue.takeTicket(),
        untilMs: clock.ms + 8 * 3_600_000,
        isLong: true,
        signal: new AbortController().signal,
        look: () => false,
      })
      .then(() => {
        isOver = true;
      });
    // The clock jumps without the timers: they go by time that has passed.
    clock.jump(jumpMs === 7 * 3_600_000 ? 8 * 3_600_000 : jumpMs);
    clock.advance(expectedMs - 1_000);
    await Promise.resolve();
    expect(isOver).toBe(false);
    clock.advance(2_000);
    await wait;
    expect(isOver).toBe(true);
  }
});
