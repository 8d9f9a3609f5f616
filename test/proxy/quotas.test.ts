import { expect, test } from "bun:test";
import type { Quota } from "../../src/core/quota/quota.ts";
import { cooldownId } from "../../src/core/routing/cooldown.ts";
import type { Answer } from "../../src/demo/reply.ts";
import { keyNamed, type PairOptions, type Rig, until, withPair } from "./rig.ts";

const GOOD: Answer = { kind: "answer", text: "fine" };
const HOUR = 3_600_000;

function week(remaining: number, resetInMs = 48 * HOUR, more: Partial<Quota> = {}): Quota {
  const resetsAt = Date.now() + resetInMs;
  return {
    window: "week",
    unit: "percent",
    remaining,
    resetsAt,
    blocking: true,
    pool: "account",
    exact: true,
    ...more,
  };
}

function read(rig: Rig, name: string, ...quotas: Quota[]): void {
  rig.router.quotas.take(keyNamed("a", name), { kind: "known", quotas });
}

/** A proxy with the keys one, two and three; each call to the provider is counted. */
function withThree(
  test: (rig: Rig, calls: string[]) => Promise<void>,
  more: Partial<PairOptions> = {},
): Promise<void> {
  const calls: string[] = [];
  const keys = ["one", "two", "three"];
  const reply: PairOptions["reply"] = (call) => {
    calls.push(call.keyName);
    return more.reply?.(call) ?? GOOD;
  };
  return withPair({ keys, chain: ["a/first"], ...more, reply }, (rig) => test(rig, calls));
}

async function answeredBy(rig: Rig, question: Parameters<Rig["ask"]>[0] = {}): Promise<string | null> {
  const response = await rig.ask(question);
  await response.text();
  return response.headers.get("x-orouter-key");
}

test("a key whose week is spent is not asked, until a reading says otherwise", () =>
  withThree(async (rig, calls) => {
    read(rig, "one", week(0));
    read(rig, "two", week(0));
    for (let nth = 0; nth < 12; nth++) expect(await answeredBy(rig)).toBe("three");
    expect(new Set(calls)).toEqual(new Set(["three"]));
    read(rig, "three", week(0));
    read(rig, "one", week(40));
    expect(await answeredBy(rig)).toBe("one");
  }));

test("with every key spent nothing is asked, and the reset is named", () =>
  withThree(async (rig, calls) => {
    for (const name of ["one", "two", "three"]) read(rig, name, week(0));
    const response = await rig.ask();
    expect(await response.text()).toContain("plan limit used up");
    expect(calls).toEqual([]);
    const [exhausted] = rig.events.flatMap((event) => (event.kind === "exhausted" ? event.exhaustion : []));
    expect(
      exhausted?.keys.map(({ wasAsked, kind, isEndDeclared }) => [wasAsked, kind, isEndDeclared]),
    ).toEqual(Array.from({ length: 3 }, () => [false, "quota", true]));
  }));

test("a window that was reset before it was read holds nothing", () =>
  withThree(async (rig) => {
    read(rig, "one", week(0, -1_400));
    read(rig, "two", week(0));
    read(rig, "three", week(0));
    expect(await answeredBy(rig)).toBe("one");
  }));

test("a reserve is left untouched", () =>
  withThree(
    async (rig) => {
      read(rig, "one", week(9));
      read(rig, "two", week(10));
      read(rig, "three", week(11));
      expect(await answeredBy(rig)).toBe("three");
    },
    { config: { quota: { reserve: "10%" } } },
  ));

test("a spent cap on paid models leaves free ones open", () =>
  withThree(async (rig, calls) => {
    const cap: Partial<Quota> = { unit: "USD", limit: 5, models: ["!*:free"] };
    for (const name of ["one", "two", "three"]) read(rig, name, week(0, HOUR, cap));
    expect((await rig.ask({ model: "chain" })).status).toBe(400);
    expect(calls).toEqual([]);
    expect((await rig.ask({ path: "/a/v1/chat/completions", model: "small:free" })).status).toBe(200);
  }));

test("alternatives hold a key only when all of them are spent", () =>
  withThree(async (rig) => {
    const group = "plan";
    const credit = (remaining: number): Quota => ({
      ...{ window: "credit", unit: "USD", remaining, blocking: true, pool: "account", exact: true, group },
    });
    read(rig, "two", week(0));
    read(rig, "three", week(0, HOUR, { group }), credit(0));
    read(rig, "one", week(0, HOUR, { group }), credit(2));
    expect(await answeredBy(rig)).toBe("one");
  }));

test("a reading that finds out nothing neither holds nor frees a key", () =>
  withThree(async (rig) => {
    const unknown = { kind: "unknown", why: "the reply is not JSON" } as const;
    read(rig, "one", week(0));
    rig.router.quotas.take(keyNamed("a", "one"), unknown);
    rig.router.quotas.take(keyNamed("a", "two"), unknown);
    rig.router.quotas.take(keyNamed("a", "three"), { kind: "no-plan" });
    const used = new Set<string | null>();
    for (let nth = 0; nth < 30; nth++) used.add(await answeredBy(rig));
    expect(used).toEqual(new Set(["two", "three"]));
  }));

test("an answer that began after a reading beats it", () =>
  withThree(async (rig) => {
    read(rig, "one", week(0));
    const id = cooldownId.quota("a", keyNamed("a", "one").fingerprint, "all");
    const held = rig.router.cooldowns.get(id);
    expect(held?.isDeclared).toBe(true);
    // The reset is near enough that the key is asked as a probe: it answers.
    if (held !== undefined) rig.router.learn([{ ...held, untilMs: Date.now() - 1 }], []);
    read(rig, "two", week(0));
    read(rig, "three", week(0));
    expect(await answeredBy(rig)).toBe("one");
    expect(rig.router.cooldowns.has(id)).toBe(false);
  }));

test("a refusal without an end gets the end of the spent window, and ends early when more is left", () => {
  const refusing = new Set(["one"]);
  return withThree(
    async (rig) => {
      const one = keyNamed("a", "one");
      read(rig, "one", week(2));
      read(rig, "two", week(0));
      read(rig, "three", week(0));
      await (await rig.ask()).text();
      const refusal = (): ReturnType<Rig["router"]["cooldowns"]["get"]> =>
        rig.router.cooldowns.get(cooldownId.key(one.fingerprint));
      expect(refusal()).toMatchObject({ kind: "quota" });
      await Bun.sleep(2);
      const spent = week(0, 7 * HOUR);
      read(rig, "one", spent);
      expect(refusal()).toMatchObject({ kind: "quota", isDeclared: true });
      // The same again frees nothing; a top-up does.
      await Bun.sleep(2);
      read(rig, "one", week(0, 7 * HOUR));
      expect(refusal()).toBeDefined();
      refusing.clear();
      await Bun.sleep(2);
      read(rig, "one", week(60));
      expect(refusal()).toBeUndefined();
      expect(await answeredBy(rig)).toBe("one");
    },
    {
      reply: ({ keyName }) =>
        refusing.has(keyName)
          ? {
              kind: "error",
              status: 429,
              body: {
                error: {
                  message: "Your quota has been exhausted",
                },
              },
            }
          : GOOD,
    },
  );
});

test("a new session goes to the key whose quota would expire first, and keeps it", () =>
  withThree(async (rig) => {
    read(rig, "one", week(80, 100 * HOUR));
    read(rig, "two", week(60, 5 * HOUR));
    read(rig, "three", week(90, 160 * HOUR));
    for (let nth = 0; nth < 5; nth++) expect(await answeredBy(rig, { session: `ses_${nth}` })).toBe("two");
    // Its own key stays the session's, although another is more urgent now.
    read(rig, "two", week(30, 100 * HOUR));
    read(rig, "one", week(80, 2 * HOUR));
    expect(await answeredBy(rig, { session: "ses_0" })).toBe("two");
    expect(await answeredBy(rig, { session: "ses_new" })).toBe("one");
    // Once it is spent the session moves, and stays where it went.
    read(rig, "two", week(0, 100 * HOUR));
    expect(await answeredBy(rig, { session: "ses_0" })).toBe("one");
    read(rig, "two", week(99, HOUR));
    expect(await answeredBy(rig, { session: "ses_0" })).toBe("one");
  }));

test("no session begins on a key whose short window is nearly used up", () =>
  withThree(async (rig) => {
    const five = (remaining: number): Quota => week(remaining, 2 * HOUR, { window: "5h" });
    read(rig, "one", week(80, HOUR), five(2));
    read(rig, "two", week(10, 160 * HOUR), five(90));
    read(rig, "three", week(0));
    expect(await answeredBy(rig, { session: "ses_1" })).toBe("two");
  }));

test("money goes last, and what is not known keeps its place before it", () =>
  withThree(async (rig) => {
    const credit: Quota = {
      window: "credit",
      unit: "USD",
      remaining: 9,
      blocking: true,
      pool: "account",
      exact: true,
    };
    read(rig, "one", credit);
    read(rig, "two", credit);
    for (let nth = 0; nth < 5; nth++) expect(await answeredBy(rig, { session: `ses_${nth}` })).toBe("three");
  }));

test("a window is warned of once for each reset", () =>
  withThree(async (rig) => {
    const reset = 20 * HOUR;
    for (const remaining of [50, 19, 18, 12]) read(rig, "one", week(remaining, reset));
    read(rig, "one", week(100, reset + 168 * HOUR));
    read(rig, "one", week(15, reset + 168 * HOUR));
    const texts = rig.events.flatMap((event) => (event.kind === "quota-warning" ? event.warning.text : []));
    expect(texts.length).toBe(2);
    expect(texts[0]).toMatch(/^week: 81 % used, resets /);
  }));

test("the headers of a reply are read where the provider sends any", () =>
  withThree(
    async (rig) => {
      await answeredBy(rig);
      await until(() => !rig.router.quotas.isEmpty);
      const [record] = [...rig.router.quotas.records.values()];
      expect(record?.quotas).toMatchObject([
        {
          window: "day",
          unit: "requests",
          limit: 14400,
          remaining: 14399,
          blocking: false,
          models: ["first"],
        },
        { window: "minute", unit: "tokens", limit: 6000, remaining: 0, blocking: false },
      ]);
    },
    {
      config: { providers: { a: { quota: "groq" } } },
      reply: () => ({
        ...GOOD,
        headers: {
          "x-ratelimit-limit-requests": "14400",
          "x-ratelimit-remaining-requests": "14399",
          "x-ratelimit-reset-requests": "6s",
          "x-ratelimit-limit-tokens": "6000",
          "x-ratelimit-remaining-tokens": "0",
          "x-ratelimit-reset-tokens": "370ms",
        },
      }),
    },
  ));
