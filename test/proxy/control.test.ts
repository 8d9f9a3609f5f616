import { expect, test } from "bun:test";
import { type Reply, unauthorized } from "../../src/demo/reply.ts";
import { type Rig, until, withPair } from "./rig.ts";

const reply = (call: { keyName: string }): Reply =>
  call.keyName === "one" ? unauthorized() : { kind: "answer", text: "fine" };
const KEYS = ["one", "two"];

const post = (rig: Rig, path: string, body?: string): Promise<Response> =>
  rig.fetch(path, { method: "POST", ...(body === undefined ? {} : { body }) });

interface State {
  keys: { name: string; enabled: boolean; inFlight: number }[];
  cooldowns: { id: string; kind: string; untilMs: number | null }[];
}

const stateOf = async (rig: Rig): Promise<State> =>
  (await rig.fetch("/_orouter/state")).json() as Promise<State>;

async function askUntilRested(rig: Rig): Promise<void> {
  while (rig.router.cooldowns.size === 0) await (await rig.ask()).text();
}

test("health says who is there, to whom it is meant only", () =>
  withPair({ reply }, async (rig) => {
    expect(await (await rig.fetch("/_orouter/health")).json()).toMatchObject({ ok: true, pid: process.pid });
    expect((await fetch(`${rig.url}/_orouter/health`)).status).toBe(401);
  }));

test("the state tells of keys and rests, and of no secret", () =>
  withPair({ reply, keys: KEYS }, async (rig) => {
    await askUntilRested(rig);
    const state = await stateOf(rig);
    expect(state.keys.map((key) => [key.name, key.enabled, key.inFlight])).toEqual([
      ["one", true, 0],
      ["two", true, 0],
      ["other", true, 0],
    ]);
    expect(state.cooldowns).toEqual([
      expect.objectContaining({ kind: "auth", id: `key ${rig.keys[0]?.fingerprint}` }),
    ]);
    expect(JSON.stringify(state)).not.toContain("secret-");
  }));

test("a key is taken out, put back and freed by hand", () =>
  withPair({ reply, keys: KEYS, chain: ["a/first"] }, async (rig, upstream) => {
    const [one, two] = rig.keys.map((key) => key.fingerprint);
    await askUntilRested(rig);
    expect(await (await post(rig, `/_orouter/keys/${one}/reset`)).json()).toEqual({ cleared: 1 });
    expect((await stateOf(rig)).cooldowns).toEqual([]);

    expect(await (await post(rig, `/_orouter/keys/${one}/disable`)).json()).toEqual({
      fingerprint: one,
      enabled: false,
    });
    const before = upstream.calls.length;
    for (let nth = 0; nth < 4; nth++) await (await rig.ask()).text();
    expect(upstream.calls.slice(before).every((call) => call.keyName === "two")).toBe(true);

    await post(rig, `/_orouter/keys/${two}/disable`);
    expect((await rig.ask()).status).toBe(400);
    await post(rig, `/_orouter/keys/${two}/enable`);
    expect((await rig.ask()).status).toBe(200);
  }));

test("all rests end at once, or those that are named", () =>
  withPair({ reply, keys: KEYS }, async (rig) => {
    await askUntilRested(rig);
    const elsewhere = JSON.stringify({ fingerprint: rig.keys[1]?.fingerprint });
    expect(await (await post(rig, "/_orouter/reset", elsewhere)).json()).toEqual({ cleared: 0 });
    expect(await (await post(rig, "/_orouter/reset", "")).json()).toEqual({ cleared: 1 });
    expect((await post(rig, "/_orouter/reset", "{")).status).toBe(400);
  }));

test.each([
  ["GET", "/_orouter/nothing", 404],
  ["PUT", "/_orouter/state", 404],
  ["POST", "/_orouter/keys/abc/enable", 404],
  ["POST", "/_orouter/keys/abc/eat", 404],
])("%s %s is not there", (method, path, status) =>
  withPair({ reply }, async (rig) => {
    expect((await rig.fetch(path, { method })).status).toBe(status);
  }),
);

test("events come as they happen, until the listener leaves", () =>
  withPair({ reply, keys: KEYS, chain: ["a/first"] }, async (rig) => {
    const leaving = new AbortController();
    const response = await rig.fetch("/_orouter/events", { signal: leaving.signal });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    let heard = "";
    const listening = (async () => {
      for await (const bytes of response.body ?? []) heard += Buffer.from(bytes).toString();
    })().catch(() => {});
    await askUntilRested(rig);
    await until(() => heard.includes('"kind":"finished"') && heard.includes('"kind":"rotated"'));
    const events = heard
      .split("\n\n")
      .flatMap((block) => (block.startsWith("data: ") ? JSON.parse(block.slice(6)) : []));
    const kinds = events.map((event: { kind: string }) => event.kind);
    expect(kinds.slice(kinds.indexOf("cooldown-started"), kinds.indexOf("cooldown-started") + 3)).toEqual([
      "cooldown-started",
      "rotated",
      "finished",
    ]);
    expect(heard).not.toContain("secret-");
    leaving.abort();
    await listening;
    await (await rig.ask()).text();
    expect(rig.bugs).toEqual([]);
  }));

test("the models are listed for chains and for all", () =>
  withPair({ reply }, async (rig) => {
    for (const path of ["/v1/models", "/orouter/v1/models"]) {
      expect(await (await rig.fetch(path)).json()).toMatchObject({
        object: "list",
        data: [{ id: "orouter/chain" }, { id: "a/first" }, { id: "a/second" }],
      });
    }
    // A provider's own list is passed on unchanged.
    expect(await (await rig.fetch("/a/v1/models")).json()).toMatchObject({ object: "list", data: [] });
  }));
