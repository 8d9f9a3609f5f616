import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { openState } from "../../src/commands/state.ts";
import { fingerprint } from "../../src/core/key.ts";
import { type Cooldown, NEVER_MS, notFromLater, targetOf } from "../../src/core/routing/cooldown.ts";
import { emptyLoad, slotFor, take } from "../../src/core/routing/limits.ts";
import { ownWords } from "../../src/core/scrub.ts";
import { StallWatch } from "../../src/proxy/answer-stream.ts";
import type { Env } from "../../src/proxy/env.ts";
import { until } from "../e2e/serve-process.ts";
import { FakeClock } from "../proxy/fake-clock.ts";
import { withPair } from "../proxy/rig.ts";
import { note } from "../store/samples.ts";
import { endOf, withWorld } from "./fault-world.ts";
import { TEXT } from "./wire.ts";

const HOUR_MS = 60 * 60_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

function quotaCooldown(sinceMs: number, untilMs: number): Cooldown {
  return {
    ...targetOf.key({ provider: "a", fingerprint: fingerprint("secret-one") }),
    kind: "quota",
    status: 429,
    message: ownWords("used up"),
    sinceMs,
    untilMs,
    failures: 1,
    isDeclared: false,
  };
}

/** A state.db with a cooldown of the only key. */
function withCooldown(cooldown: (nowMs: number) => Cooldown): (home: string) => Promise<void> {
  return async (home) => {
    const options = {
      file: join(home, "state.db"),
      ledgerDays: 30,
      ledgerRows: 1000,
      secrets: [],
      onTrouble: () => {},
    };
    const state = await openState(options);
    note(state, { kind: "cooldown-started", cooldown: cooldown(Date.now()), keyName: "one" });
    await state.close();
  };
}

test("a rest whose end is long past keeps nobody waiting", () =>
  withWorld(
    {
      keys: ["one"],
      prepare: withCooldown((nowMs) => quotaCooldown(nowMs - 3 * YEAR_MS, nowMs - 3 * YEAR_MS + HOUR_MS)),
    },
    async ({ ask }) => expect((await ask()).text).toBe(TEXT),
  ));

test("a rest of an hour that was set two years ahead lasts an hour from now, also for the next start", async () => {
  await withWorld(
    {
      keys: ["one"],
      prepare: withCooldown((nowMs) => quotaCooldown(nowMs + 2 * YEAR_MS, nowMs + 2 * YEAR_MS + HOUR_MS)),
    },
    async ({ ask, serve, home }) => {
      const cooldowns = async (): Promise<{ sinceMs: number; untilMs: number }[]> =>
        ((await (await serve.get("/_orouter/state")).json()) as { cooldowns: [] }).cooldowns;
      await until("the rest to be known", async () => (await cooldowns()).length === 1);
      const [cooldown] = await cooldowns();
      expect((cooldown?.untilMs ?? 0) - (cooldown?.sinceMs ?? 0)).toBe(HOUR_MS);
      expect(Math.abs((cooldown?.untilMs ?? 0) - Date.now() - HOUR_MS)).toBeLessThan(HOUR_MS / 2);
      expect(endOf(await ask())).toBe("last-word");
      // The corrected cooldown was saved, so another start does not begin the hour again.
      await until("the rest to be known", () => {
        using db = new Database(join(home, "state.db"), { readonly: true });
        const row = db.query<{ at_ms: number }, []>("SELECT at_ms FROM cooldowns").get();
        return (row?.at_ms ?? Number.POSITIVE_INFINITY) < Date.now() + HOUR_MS;
      });
    },
  );
});

test.each<[what: string, cooldown: Cooldown, expected: Cooldown]>([
  ["of now", quotaCooldown(1_000_000, 2_000_000), quotaCooldown(1_000_000, 2_000_000)],
  ["a little ahead", quotaCooldown(1_050_000, 2_000_000), quotaCooldown(1_050_000, 2_000_000)],
  ["far ahead", quotaCooldown(9_000_000, 9_500_000), quotaCooldown(1_000_000, 1_500_000)],
  ["far ahead and without an end", quotaCooldown(9_000_000, NEVER_MS), quotaCooldown(1_000_000, NEVER_MS)],
  ["far ahead and only a count", quotaCooldown(9_000_000, 0), quotaCooldown(1_000_000, 0)],
])("a rest %s is taken as it was meant", (_what, cooldown, expected) => {
  expect(notFromLater(cooldown, 1_000_000)).toEqual(expected);
});

test("a clock that is set back an hour does not hold up a paced key, nor count its silence later", () => {
  const load = emptyLoad();
  const limits = { rpm: 2, concurrency: undefined };
  const nowMs = 10 * HOUR_MS;
  for (let nth = 0; nth < 2; nth++) take(load, limits, nowMs);
  expect(slotFor(load, limits, nowMs).kind).toBe("at");
  expect(slotFor(load, limits, nowMs - HOUR_MS)).toEqual({ kind: "now" });

  const { clock, env, setBack } = walled();
  let stalls = 0;
  const watch = new StallWatch({ env, limitMs: () => 10_000, onLook: () => {}, onStall: () => stalls++ });
  watch.reading();
  setBack(HOUR_MS);
  clock.advance(14_000);
  expect(stalls).toBeGreaterThan(0);
  watch.stop();
});

test("a clock that is set back an hour while a rest is waited for does not make the wait an hour longer", async () => {
  const { clock, env, setBack } = walled();
  const limited = { kind: "error", status: 429, body: {}, headers: { "retry-after": "20" } } as const;
  const config = { routing: { max_wait: "30s", patience: "30s" } };
  await withPair({ reply: () => limited, chain: ["a/first"], config, env }, async (rig) => {
    const asked = rig.ask();
    await until("the rest to be waited for", () => rig.router.queue.length === 1);
    setBack(HOUR_MS);
    let answer: Response | undefined;
    void asked.then((response) => {
      answer = response;
    });
    // Twice the longest wait.
    for (let second = 0; second < 80 && answer === undefined; second++) {
      clock.advance(1_000);
      await Bun.sleep(5);
    }
    expect(answer?.status).toBe(400);
    expect(rig.records()[0]?.waitedMs).toBeLessThanOrEqual(30_000);
  });
});

/** A clock whose timers continue while its time of day is set. */
function walled(): { clock: FakeClock; env: Required<Env>; setBack: (ms: number) => void } {
  const clock = new FakeClock();
  let aheadMs = 0;
  return {
    clock,
    env: { ...clock.env(), now: () => clock.ms + aheadMs },
    setBack: (ms) => {
      aheadMs -= ms;
    },
  };
}
