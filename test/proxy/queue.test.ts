import { describe, expect, test } from "bun:test";
import type { Answer } from "../../src/demo/reply.ts";
import { WaitQueue } from "../../src/proxy/wait-queue.ts";
import { FakeClock } from "./fake-clock.ts";
import { type Rig, until, withPair } from "./rig.ts";

const GOOD: Answer = { kind: "answer", text: "fine" };

const ONE_AT_A_TIME = { providers: { a: { concurrency: 1 } } };

/** In a fixed order: each request starts once the one before it is sent or queued. */
async function askInOrder(rig: Rig, count: number, sent: () => number): Promise<Promise<string>[]> {
  const asked: Promise<string>[] = [];
  for (let nth = 0; nth < count; nth++) {
    asked.push(rig.ask({ more: { user: `caller ${nth}` } }).then((response) => response.text()));
    await until(() => sent() + rig.router.queue.length === nth + 1);
  }
  return asked;
}

function callerOf(body: string): string {
  return (JSON.parse(body) as { user: string }).user;
}

describe("a key that carries so many calls at a time", () => {
  test("is never given more, and all are served in the order they came", () => {
    let most = 0;
    const reply = (call: { inFlight: number }): Answer => {
      most = Math.max(most, call.inFlight);
      return { ...GOOD, chunkEveryMs: 5 };
    };
    return withPair({ reply, chain: ["a/first"], config: ONE_AT_A_TIME }, async (rig, upstream) => {
      const asked = await askInOrder(rig, 6, () => upstream.calls.length);
      await Promise.all(asked);
      expect(most).toBe(1);
      expect(upstream.calls.map((call) => callerOf(call.body))).toEqual(
        Array.from({ length: 6 }, (_, nth) => `caller ${nth}`),
      );
    });
  });

  test("is not waited for when another key has room", () => {
    let calls = 0;
    const reply = (): Answer =>
      ++calls === 1 ? { ...GOOD, cut: { afterTokens: 0, how: "stall" } } : { ...GOOD };
    return withPair({ reply, keys: ["one", "two"], config: ONE_AT_A_TIME }, async (rig, upstream) => {
      const leaving = new AbortController();
      const first = rig.ask({ session: "s", signal: leaving.signal }).catch(() => undefined);
      await until(() => upstream.calls.length === 1);
      await (await rig.ask({ session: "s" })).text();
      leaving.abort();
      await first;
      expect(upstream.calls.map((call) => call.keyName).toSorted()).toEqual(["one", "two"]);
      await until(() => rig.records().length === 2);
      expect(rig.records().map((record) => record.waitedMs)).toEqual([0, 0]);
    });
  });

  test("is waited for a while, and then the next model serves", async () => {
    const clock = new FakeClock();
    const reply = (call: { model: string }): Answer =>
      call.model === "first" ? { ...GOOD, cut: { afterTokens: 0, how: "stall" } } : GOOD;
    // The first call never ends, so only the end of `patience` can help the second.
    await withPair(
      { reply, config: ONE_AT_A_TIME, chain: ["a/first", "b/second"], env: clock.env() },
      async (rig, upstream) => {
        const leaving = new AbortController();
        const first = rig.ask({ signal: leaving.signal }).catch(() => undefined);
        await until(() => upstream.calls.length === 1);
        const second = rig.ask();
        await until(() => rig.router.queue.length === 1);
        clock.advance(4_999);
        expect([rig.router.queue.length, upstream.calls.length]).toEqual([1, 1]);
        clock.advance(1);
        expect((await second).headers.get("x-orouter-model")).toBe("b/second");
        leaving.abort();
        await first;
      },
    );
  });

  test("of whom all are busy for ever ends the wait with a reason", async () => {
    const clock = new FakeClock();
    const reply = (): Answer => ({ ...GOOD, cut: { afterTokens: 1, how: "stall" } });
    await withPair(
      {
        reply,
        // The call that uses the key must outlast the wait for it.
        config: { ...ONE_AT_A_TIME, routing: { stall_timeout: "1h" } },
        chain: ["a/first"],
        env: clock.env(),
      },
      async (rig) => {
        const leaving = new AbortController();
        const held = await rig.ask({ signal: leaving.signal });
        const second = rig.ask();
        await until(() => rig.router.queue.length === 1);
        clock.advance(5_000);
        await until(() => rig.router.queue.length === 1);
        clock.advance(300_000);
        const response = await second;
        expect([response.status, await response.text()]).toEqual([
          400,
          expect.stringContaining("no key had room for one more call\\n1 key was not asked: one"),
        ]);
        leaving.abort();
        await held.text().catch(() => {});
      },
    );
  });
});

test("a pace of two a minute lets the third go when the first is a minute old", async () => {
  const clock = new FakeClock();
  const config = { providers: { a: { rpm: 2 } }, routing: { patience: "0s" } };
  await withPair(
    { reply: () => GOOD, chain: ["a/first"], config, env: clock.env() },
    async (rig, upstream) => {
      await (await rig.ask()).text();
      clock.advance(10_000);
      await (await rig.ask()).text();
      const asked = [rig.ask(), rig.ask()];
      await until(() => rig.router.queue.length === 2);
      clock.advance(49_999);
      expect(upstream.calls.length).toBe(2);
      clock.advance(1);
      await until(() => upstream.calls.length === 3);
      expect(rig.router.queue.length).toBe(1);
      clock.advance(9_999);
      expect(upstream.calls.length).toBe(3);
      clock.advance(1);
      for (const one of asked) await (await one).text();
      expect(upstream.calls.length).toBe(4);
    },
  );
});

test("a hint of two seconds is waited out on the model that was asked for", async () => {
  const clock = new FakeClock();
  const limited = { kind: "error", status: 429, body: {}, headers: { "retry-after": "2" } } as const;
  await withPair(
    { reply: (call) => (call.nthOfAll === 1 ? limited : GOOD), env: clock.env() },
    async (rig, upstream) => {
      const asked = rig.ask();
      await until(() => rig.router.queue.length === 1);
      clock.advance(1_999);
      expect(upstream.calls.length).toBe(1);
      clock.advance(1);
      expect((await asked).headers.get("x-orouter-model")).toBe("a/first");
      await until(() => rig.records().length === 1);
      expect(rig.records()[0]?.waitedMs).toBe(2_000);
    },
  );
});

describe("the line", () => {
  const signal = new AbortController().signal;

  test("is served in the order of tickets, whoever waits anew", async () => {
    const clock = new FakeClock();
    const queue = new WaitQueue(clock.env());
    const [first, second] = [queue.takeTicket(), queue.takeTicket()];
    const served: number[] = [];
    const look = (ticket: number) => () => {
      served.push(ticket);
      return true;
    };
    const later = queue.until({ ticket: second, untilMs: clock.ms + 50, signal, look: look(second) });
    const sooner = queue.until({ ticket: first, untilMs: clock.ms + 90, signal, look: look(first) });
    queue.serve();
    await Promise.all([later, sooner]);
    expect(served).toEqual([first, second]);
    expect(queue.length).toBe(0);
  });

  test("gives those before a newcomer their look first, and nobody else", () => {
    const clock = new FakeClock();
    const queue = new WaitQueue(clock.env());
    const looks: number[] = [];
    for (let nth = 1; nth <= 3; nth++) {
      const ticket = queue.takeTicket();
      void queue.until({ ticket, untilMs: clock.ms + 9, signal, look: () => looks.push(ticket) < 0 });
    }
    queue.serve(3);
    expect(looks).toEqual([1, 2]);
    expect(queue.length).toBe(3);
  });

  test("is left at the end of the wait and at a hang-up", async () => {
    const clock = new FakeClock();
    const queue = new WaitQueue(clock.env());
    const leaving = new AbortController();
    const look = (): boolean => false;
    const patient = queue.until({ ticket: 1, untilMs: clock.ms + 10, signal, look });
    const gone = queue.until({ ticket: 2, untilMs: clock.ms + 10, signal: leaving.signal, look });
    leaving.abort();
    await gone;
    expect(queue.length).toBe(1);
    clock.advance(10);
    await patient;
    expect(queue.length).toBe(0);
  });
});
