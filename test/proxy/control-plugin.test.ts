import { expect, test } from "bun:test";
import { Problem } from "../../src/core/problem.ts";
import type { ControlState } from "../../src/core/routing/control-state.ts";
import type { Move } from "../../src/core/settings/chains.ts";
import { type Reply, rateLimited, unauthorized } from "../../src/demo/reply.ts";
import { type Rig, until, withPair } from "./rig.ts";

const ANSWER: Reply = { kind: "answer", text: "fine" };
const KEYS = ["one", "two"];

const post = (rig: Rig, path: string, body?: unknown): Promise<Response> =>
  rig.fetch(`/_orouter${path}`, {
    method: "POST",
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

const stateOf = async (rig: Rig): Promise<ControlState> =>
  (await rig.fetch("/_orouter/state")).json() as Promise<ControlState>;

const refusalOf = async (response: Response): Promise<[number, string]> => {
  const { error } = (await response.json()) as { error: { message: string } };
  return [response.status, error.message];
};

test("the state has the chains with who could answer, the figures of benchmarks, and who answered last", () =>
  withPair(
    {
      reply: ({ keyName, model }) => (keyName === "one" && model === "first" ? rateLimited(60) : ANSWER),
      keys: KEYS,
      chain: ["a/first", "b/second"],
      control: {
        benches: () => [
          {
            model: "b/second",
            atMs: 1,
            runs: 3,
            failed: 0,
            firstTokenMs: { median: 420, min: 400, max: 500 },
            tokensPerSecond: undefined,
            isEstimated: false,
          },
        ],
      },
    },
    async (rig) => {
      expect(await stateOf(rig)).toMatchObject({ last: null, cooldowns: [] });
      while (rig.router.cooldowns.size === 0) await (await rig.ask()).text();
      await until(() => rig.records().length > 0);
      const state = await stateOf(rig);
      expect(state.chains).toEqual([
        {
          name: "chain",
          entries: ["a/first", "b/second"],
          models: [
            { model: "a/first", keys: 2, ready: 1, state: "ready", untilMs: null, why: null, bench: null },
            {
              model: "b/second",
              keys: 1,
              ready: 1,
              state: "ready",
              untilMs: null,
              why: null,
              bench: { atMs: 1, firstTokenMs: 420, tokensPerSecond: null },
            },
          ],
        },
      ]);
      expect(state.last).toMatchObject({ model: "a/first", key: "two" });
      expect(state.cooldowns).toEqual([
        expect.objectContaining({ scope: "lane", key: "a/one", model: "a/first", kind: "rate-limit" }),
      ]);
      expect(JSON.stringify(state)).not.toContain("secret-");
    },
  ));

test("one rest is ended and no other", () =>
  withPair({ reply: () => unauthorized(), keys: KEYS, chain: ["a/first"] }, async (rig) => {
    await (await rig.ask()).text();
    const [first, second] = (await stateOf(rig)).cooldowns;
    expect(await (await post(rig, "/reset", { id: first?.id })).json()).toEqual({ cleared: 1 });
    expect((await stateOf(rig)).cooldowns.map(({ id }) => id)).toEqual([second?.id ?? ""]);
  }));

test("a session goes on with the key it is given", () =>
  withPair({ reply: () => ANSWER, keys: KEYS, chain: ["a/first"] }, async (rig, upstream) => {
    for (const [nth, key] of rig.keys.slice(0, 2).entries()) {
      const pinned = await post(rig, "/sessions/ses_1/key", { fingerprint: key.fingerprint });
      expect(await pinned.json()).toEqual({ provider: "a", name: key.name });
      for (let times = 0; times < 3; times++) await (await rig.ask({ session: "ses_1" })).text();
      expect(upstream.calls.slice(nth * 3).map((call) => call.keyName)).toEqual([
        key.name,
        key.name,
        key.name,
      ]);
    }
  }));

test("why a session cannot have a key is said", async () => {
  await withPair({ reply: () => ANSWER, keys: KEYS }, async (rig) => {
    const [one] = rig.keys;
    expect(await refusalOf(await post(rig, "/sessions/s/key", { fingerprint: "abc" }))).toEqual([
      404,
      "There is no such key.",
    ]);
    await post(rig, `/keys/${one?.fingerprint}/disable`);
    expect(await refusalOf(await post(rig, "/sessions/s/key", { fingerprint: one?.fingerprint }))).toEqual([
      409,
      "a/one is disabled.",
    ]);
  });
  const config = { routing: { strategy: "random" } };
  await withPair({ reply: () => ANSWER, keys: KEYS, config }, async (rig) => {
    const fingerprint = rig.keys[0]?.fingerprint;
    expect((await refusalOf(await post(rig, "/sessions/s/key", { fingerprint })))[1]).toContain("random");
  });
});

test("a model is moved where the command writes, and its reasons against it are told", async () => {
  const moves: [chain: string, entry: string, move: Move][] = [];
  const moveInChain = async (chain: string, entry: string, move: Move): Promise<string[]> => {
    moves.push([chain, entry, move]);
    if (move === "down") throw new Problem({ code: "no-such-place", what: "It is last already." });
    return ["a/second", "a/first"];
  };
  await withPair({ reply: () => ANSWER, control: { moveInChain } }, async (rig) => {
    const moved = await post(rig, "/chains/my%20chain/move", { entry: "a/second", move: "up" });
    expect(await moved.json()).toEqual({ name: "my chain", entries: ["a/second", "a/first"] });
    const refused = await post(rig, "/chains/chain/move", { entry: "a/second", move: "down" });
    expect(await refusalOf(refused)).toEqual([409, "It is last already."]);
    expect((await post(rig, "/chains/chain/move", { entry: "a/second", move: "sideways" })).status).toBe(400);
    expect(moves).toEqual([
      ["my chain", "a/second", "up"],
      ["chain", "a/second", "down"],
    ]);
  });
});

test("without a command behind it nothing is moved, and no key is handed out", () =>
  withPair({ reply: () => ANSWER }, async (rig) => {
    const moved = await post(rig, "/chains/chain/move", { entry: "a/first", move: "down" });
    expect(await refusalOf(moved)).toEqual([404, "This run cannot change chains."]);
    expect((await rig.fetch("/_orouter/shell-keys")).status).toBe(404);
  }));

test("a key that works now is handed out where that is wanted, by the names of its variables", () =>
  withPair(
    {
      reply: ({ keyName }) => (keyName === "one" ? unauthorized() : ANSWER),
      keys: KEYS,
      chain: ["a/first"],
      config: { providers: { a: { env: "A_KEY" } } },
      control: { givesKeys: true },
    },
    async (rig) => {
      while (rig.router.cooldowns.size === 0) await (await rig.ask()).text();
      const keys = async (): Promise<unknown> => (await rig.fetch("/_orouter/shell-keys")).json();
      expect(await keys()).toEqual({ A_KEY: "secret-two" });
      await post(rig, `/keys/${rig.keys[1]?.fingerprint}/disable`);
      expect(await keys()).toEqual({});
      expect((await fetch(`${rig.url}/_orouter/shell-keys`)).status).toBe(401);
    },
  ));

test("a key that rests for some model is handed out after one that rests for none", () =>
  withPair(
    {
      reply: ({ keyName }) => (keyName === "one" ? rateLimited(600) : ANSWER),
      keys: KEYS,
      chain: ["a/first"],
      config: { providers: { a: { env: "A_KEY" } } },
      control: { givesKeys: true },
    },
    async (rig) => {
      while (rig.router.cooldowns.size === 0) await (await rig.ask()).text();
      const keys = async (): Promise<unknown> => (await rig.fetch("/_orouter/shell-keys")).json();
      expect(await keys()).toEqual({ A_KEY: "secret-two" });
      await post(rig, `/keys/${rig.keys[1]?.fingerprint}/disable`);
      expect(await keys()).toEqual({ A_KEY: "secret-one" });
    },
  ));

test("only rests that somebody saw are counted as ended", () =>
  withPair(
    {
      reply: ({ keyName }) => (keyName === "one" ? rateLimited(600) : ANSWER),
      keys: KEYS,
      chain: ["a/first"],
    },
    async (rig) => {
      while (rig.router.cooldowns.size === 0) await (await rig.ask()).text();
      const [rest] = rig.router.cooldowns.values();
      if (rest === undefined) throw new Error("nobody rests");
      rig.router.learn([{ ...rest, id: "key over", scope: "key", untilMs: 1 }], []);
      expect(await (await post(rig, "/reset")).json()).toEqual({ cleared: 1 });
      expect(rig.router.cooldowns.size).toBe(0);
    },
  ));
