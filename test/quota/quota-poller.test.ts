import { expect, test } from "bun:test";
import type { Key } from "../../src/core/key.ts";
import { type Quota, type QuotaRecord, type Reading, withReading } from "../../src/core/quota/quota.ts";
import type { QuotaEndpoint } from "../../src/core/quota/readers.ts";
import { QuotaPoller } from "../../src/quota/quota-poller.ts";
import { keyNamed } from "../proxy/rig.ts";

const MINUTE = 60_000;

const QUOTA: Quota = {
  ...{ window: "5h", unit: "percent", remaining: 50, blocking: true, pool: "account", exact: true },
};
const KNOWN: Reading = { kind: "known", quotas: [QUOTA] };

/** A poller whose world is in the test's hands. */
class World {
  nowMs = 1_000_000_000;
  readonly asked: string[] = [];
  readonly records = new Map<string, QuotaRecord>();
  readonly used = new Map<string, number>();
  readonly spentSince = new Map<string, number>();
  reading: Reading = KNOWN;
  isEnabled = true;
  readonly poller: QuotaPoller;

  readonly keys: readonly Key[];

  constructor(keys: readonly Key[]) {
    this.keys = keys;
    const endpointOf = (key: Key): QuotaEndpoint => ({
      url: `https://${key.provider}.example/quota`,
      reader: { origins: {}, path: () => "", read: () => KNOWN },
    });
    this.poller = new QuotaPoller({
      targets: () => (this.isEnabled ? this.keys.map((key) => ({ key, endpoint: endpointOf(key) })) : []),
      recordOf: (key) => this.records.get(`${key.provider} ${key.name}`),
      usedMs: (key) => this.used.get(key.name) ?? 0,
      wantedMs: () => Math.max(0, ...this.used.values()),
      spentSinceMs: (key) => this.spentSince.get(key.name),
      pollMs: () => MINUTE,
      ask: async (_endpoint, secret) => {
        this.asked.push(secret.replace("secret-", ""));
        return this.reading;
      },
      take: (key, reading) => {
        const id = `${key.provider} ${key.name}`;
        this.records.set(id, withReading(this.records.get(id), key, reading, this.nowMs));
      },
      refresh: async () => {},
      nowMs: () => this.nowMs,
    });
  }

  /** What is asked within so many minutes, a look every ten seconds. */
  async pass(minutes: number, isInUse = true): Promise<string[]> {
    this.asked.length = 0;
    for (let step = 0; step < minutes * 6; step++) {
      this.nowMs += 10_000;
      if (isInUse) this.used.set(this.keys[0]?.name ?? "", this.nowMs);
      await this.poller.round();
    }
    return [...this.asked];
  }
}

const TWO = [keyNamed("a", "one"), keyNamed("a", "two")];

test("nothing is asked before a key of the provider is used, nor long after", async () => {
  const world = new World(TWO);
  expect(await world.pass(30, false)).toEqual([]);
  await world.pass(1);
  await world.pass(60, false);
  expect(await world.pass(30, false)).toEqual([]);
});

test("the key in use is read once a poll, its neighbours every ten minutes", async () => {
  const world = new World(TWO);
  const asked = await world.pass(20);
  expect(asked.filter((name) => name === "one").length).toBe(20);
  expect(asked.filter((name) => name === "two").length).toBe(2);
});

test("the same account under two provider ids of one address is read once, for both", async () => {
  const keys = [keyNamed("a", "one"), { ...keyNamed("a", "one"), name: "again" }];
  const world = new World(keys);
  expect(await world.pass(1)).toEqual(["one"]);
  expect([...world.records.keys()]).toEqual(["a one", "a again"]);
});

test("a spent key is read again every five minutes, and soon after it was refused", async () => {
  const world = new World(TWO);
  await world.pass(1);
  world.spentSince.set("two", 1);
  expect((await world.pass(30)).filter((name) => name === "two").length).toBe(6);
  world.spentSince.set("two", world.nowMs + 1);
  expect((await world.pass(0.5)).filter((name) => name === "two").length).toBe(1);
});

test("readings that find out nothing become rarer, and a key without a plan is nearly left alone", async () => {
  const world = new World(TWO.slice(0, 1));
  world.reading = { kind: "unknown", why: "the reply is not JSON" };
  expect((await world.pass(60)).length).toBeLessThan(8);
  const planless = new World(TWO.slice(0, 1));
  planless.reading = { kind: "no-plan" };
  expect((await planless.pass(120)).length).toBeLessThanOrEqual(2);
});

test("a window is read again soon after its reset", async () => {
  const world = new World(TWO);
  const [, two] = TWO;
  if (two === undefined) throw new Error("no key");
  await world.pass(1);
  const resetsAt = world.nowMs + 2 * MINUTE;
  const quotas = [{ ...QUOTA, resetsAt }];
  world.records.set("a two", withReading(undefined, two, { kind: "known", quotas }, world.nowMs));
  expect((await world.pass(2)).filter((name) => name === "two")).toEqual([]);
  expect((await world.pass(0.5)).filter((name) => name === "two")).toEqual(["two"]);
  expect((await world.pass(2)).filter((name) => name === "two")).toEqual([]);
});

test("what another process has just read is not asked again", async () => {
  const world = new World(TWO.slice(0, 1));
  const [key] = TWO;
  if (key === undefined) throw new Error("no key");
  world.records.set("a one", withReading(undefined, key, KNOWN, world.nowMs));
  expect(await world.pass(0.5)).toEqual([]);
  expect(await world.pass(1)).toEqual(["one"]);
});

test("with the setting off nothing is asked", async () => {
  const world = new World(TWO);
  world.isEnabled = false;
  expect(await world.pass(10)).toEqual([]);
});
