import { expect, test } from "bun:test";
import { decisionOf, replay } from "../../src/commands/simulate/replay.ts";
import { compare } from "../../src/commands/simulate/simulate.ts";
import { openState } from "../../src/commands/state.ts";
import type { RequestRecord } from "../../src/core/routing/events.ts";
import { ownWords } from "../../src/core/scrub.ts";
import type { Call } from "../../src/demo/call.ts";
import {
  answer,
  type Reply,
  rateLimited,
  subscriptionRequired,
  unauthorized,
  usageLimit,
} from "../../src/demo/reply.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { fastEnv, keyNamed, settingsFrom, withPair } from "../proxy/rig.ts";
import { stateOptions } from "../store/samples.ts";
import { keysToml, tempMachine } from "./orouter.ts";

const KEYS = ["one", "two", "three", "four"];

/** A provider whose keys fail in every way that leaves a trace in the ledger. */
function trouble(call: Call): Reply {
  if (call.keyName === "one") return unauthorized();
  if (call.keyName === "two" && call.model === "first") return subscriptionRequired();
  if (call.keyName === "three" && call.nth > 4) return usageLimit("weekly");
  if (call.keyName === "four" && call.nth % 5 === 0) return rateLimited(1);
  return answer(call, "fine");
}

const CONFIG = {
  chains: { chain: ["a/first", "a/second"] },
  providers: { a: { base_url: "http://a.test" }, b: { base_url: "http://a.test" } },
};

/** The records of real requests over real sockets, as the ledger gives them back. */
async function recordLedger(): Promise<RequestRecord[]> {
  const sent: RequestRecord[] = [];
  await withPair({ keys: KEYS, reply: trouble, env: fastEnv(20) }, async (rig) => {
    for (let nth = 0; nth < 30; nth++) {
      const asked = [rig.ask({ session: `ses_${nth % 7}` })];
      // Now and then two at once.
      if (nth % 4 === 0) asked.push(rig.ask({ session: `ses_${(nth + 3) % 7}` }));
      for (const response of await Promise.all(asked)) await response.text();
    }
    sent.push(...rig.records());
  });
  using folder = tempFolder();
  const state = await openState(stateOptions(folder.in("state.db")));
  for (const record of sent) state.ledger.add(record);
  const read = state.ledger.requests({ limit: 1000 }).toReversed();
  await state.close();
  return read.toSorted((a, b) => a.atMs - b.atMs);
}

const keys = [...KEYS.map((name) => keyNamed("a", name)), keyNamed("b", "other")];

test("a recorded ledger under the same config gives the recorded decisions", async () => {
  const records = await recordLedger();
  expect(records.length).toBe(38);
  const results = await replay({ records, settings: settingsFrom(CONFIG), keys });
  expect(results.map(decisionOf)).toEqual(records.map(decisionOf));
  const { same, requests, recorded, simulated } = compare(records, results, () => undefined);
  expect([same, requests]).toEqual([38, 38]);
  expect(simulated).toEqual({ ...recorded, waitedMs: simulated.waitedMs });
  // The trouble left its traces.
  expect(recorded.refusedCalls).toBeGreaterThan(5);
});

test("without the keys that answered, requests fail; the same request is never answered by a key that is left out", async () => {
  const records = await recordLedger();
  const left = keys.filter(({ name }) => name === "one");
  const results = await replay({ records, settings: settingsFrom(CONFIG), keys: left });
  expect(results.map(({ outcome }) => outcome)).toEqual(records.map(() => "exhausted"));
  const some = keys.filter(({ name }) => name !== "four");
  const others = await replay({ records, settings: settingsFrom(CONFIG), keys: some });
  expect(others.flatMap(({ attempts }) => attempts).filter(({ keyName }) => keyName === "four")).toEqual([]);
  expect(others.filter(({ outcome }) => outcome === "served").length).toBeGreaterThan(0);
});

/** Three requests that met a spent key, and its one neighbour. */
function spentLedger(): RequestRecord[] {
  const startMs = 1_700_000_000_000;
  const attempt = (name: string, atMs: number, verdict: "ok" | "quota") => ({
    ...{
      atMs,
      model: "a/first",
      keyName: name,
      fingerprint: keyNamed("a", name).fingerprint,
      durationMs: 300,
    },
    ...(verdict === "ok"
      ? { status: 200, verdict, message: ownWords("") }
      : {
          status: 429,
          verdict,
          message: ownWords("weekly limit"),
          fault: "key" as const,
          waitMs: 7_200_000,
        }),
  });
  return Array.from({ length: 40 }, (_, nth): RequestRecord => {
    const atMs = startMs + nth * 60_000;
    const isServed = nth < 10;
    return {
      ...{
        id: `r${nth}`,
        atMs,
        session: `s${nth}`,
        asked: "a/first",
        served: isServed ? "a/first" : undefined,
      },
      ...{ keyName: isServed ? "one" : undefined, outcome: isServed ? "served" : "exhausted", waitedMs: 0 },
      ...{ firstTokenMs: 300, durationMs: 900, inputTokens: 100, outputTokens: 10 },
      attempts: isServed ? [attempt("one", atMs, "ok")] : nth === 10 ? [attempt("one", atMs, "quota")] : [],
    };
  });
}

test("more keys serve as much as the recorded ones did until they were used up", async () => {
  const records = spentLedger();
  const own = [keyNamed("a", "one")];
  const extra = (count: number) =>
    Array.from({ length: count }, (_, nth) => ({
      ...keyNamed("a", `extra-${nth}`),
      source: "embedded" as const,
    }));
  const servedWith = async (count: number): Promise<number> => {
    const results = await replay({
      records,
      settings: settingsFrom(CONFIG),
      keys: [...own, ...extra(count)],
    });
    return results.filter(({ outcome }) => outcome === "served").length;
  };
  expect(await servedWith(0)).toBe(10);
  expect(await servedWith(1)).toBe(20);
  expect(await servedWith(2)).toBe(30);
  expect(await servedWith(5)).toBe(40);
});

test("another config is replayed by its own rules: with hold the requests wait for the reset", async () => {
  const records = spentLedger();
  const settings = settingsFrom({ ...CONFIG, routing: { hold: "8h" } });
  const results = await replay({ records, settings, keys: [keyNamed("a", "one")] });
  expect(results.filter(({ outcome }) => outcome === "served").length).toBe(40);
  expect(Math.max(...results.map(({ waitedMs }) => waitedMs))).toBeGreaterThan(6_000_000);
});

test("two replays are the same", async () => {
  const records = await recordLedger();
  const settings = settingsFrom({ ...CONFIG, routing: { strategy: "random" } });
  const [once, again] = [
    await replay({ records, settings, keys }),
    await replay({ records, settings, keys }),
  ];
  expect(again).toEqual(once);
});

test("the command reads the ledger, names what it compares, and takes another config and other keys", async () => {
  using machine = tempMachine();
  await machine.write(
    "config.toml",
    '[models_dev]\nenabled = false\n[providers.a]\nbase_url = "http://127.0.0.1:1/v1"\n',
  );
  await machine.write("keys.toml", keysToml({ provider: "a", name: "one", value: "secret-one" }));
  await machine.write(
    "other.toml",
    '[models_dev]\nenabled = false\n[providers.a]\nbase_url = "http://127.0.0.1:1/v1"\n[routing]\nhold = "8h"\n',
  );
  const empty = await machine.run(["simulate"]);
  expect(empty.stdout).toContain("no requests to replay");
  const nowMs = Date.now();
  const state = await openState(stateOptions(machine.file("state.db")));
  const shiftMs = nowMs - 3_600_000 - (spentLedger()[0]?.atMs ?? 0);
  for (const record of spentLedger()) {
    const attempts = record.attempts.map((one) => ({ ...one, atMs: one.atMs + shiftMs }));
    state.ledger.add({ ...record, atMs: record.atMs + shiftMs, attempts });
  }
  await state.close();
  const json = async (...words: string[]) => {
    const { stdout, stderr, exitCode } = await machine.run(["simulate", "--json", ...words]);
    expect(exitCode, stderr).toBe(0);
    return JSON.parse(stdout);
  };
  expect(await json()).toMatchObject({
    requests: 40,
    same: 40,
    recorded: { served: 10 },
    simulated: { served: 10 },
  });
  expect((await json("--with-keys", "1")).simulated.served).toBe(20);
  expect((await json("--without", "a/one")).simulated.served).toBe(0);
  expect((await json("--config", machine.file("other.toml"))).simulated.served).toBe(40);
  const text = await machine.run(["simulate", "--with-keys", "1"]);
  expect(text.stdout).toMatch(/served +10 +20/);
  for (const words of [
    ["--without", "nobody"],
    ["--with-keys", "x"],
    ["--since", "yesterday"],
  ])
    expect((await machine.run(["simulate", ...words])).exitCode).toBe(2);
});
