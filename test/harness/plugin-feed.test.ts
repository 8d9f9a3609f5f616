import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import type { RouterEvent } from "../../src/core/routing/events.ts";
import type { Reply } from "../../src/demo/reply.ts";
import { follow } from "../../src/harness/plugin/feed.ts";
import { type RouterNews, routerClient } from "../../src/harness/plugin/router-client.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { until, withPair } from "../proxy/rig.ts";

const EVENT = { kind: "settings-refused", what: "config.toml: line 3" } satisfies RouterEvent;
const HELLO: Reply = { kind: "answer", text: "Hello!" };
const SILENT = { kind: "settings-taken" } satisfies RouterEvent;

/** A feed that can restart at the same address with another token. */
function feedServer(port: number, token: string) {
  const leaving = new AbortController();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    idleTimeout: 0,
    fetch: (req) => {
      if (req.headers.get("authorization") !== `Bearer ${token}`) return new Response(null, { status: 401 });
      const body = new ReadableStream({
        start: (controller) => {
          // An event may arrive in pieces, between comments.
          controller.enqueue(`: orouter\n\ndata: ${JSON.stringify(EVENT).slice(0, 5)}`);
          controller.enqueue(`${JSON.stringify(EVENT).slice(5)}\n\n: still here\n\n`);
          controller.enqueue(`data: ${JSON.stringify(SILENT)}\n\n`);
          leaving.signal.addEventListener("abort", () => controller.error(new Error("gone")));
        },
      });
      return new Response(body);
    },
  });
  return { port: server.port ?? 0, stop: () => server.stop(true) };
}

test("a lost proxy is reported once, and found again with a new token", async () => {
  using folder = tempFolder();
  const tokenFile = folder.in("token");
  writeFileSync(tokenFile, "first");
  const first = feedServer(0, "first");
  const heard: string[] = [];
  const leaving = new AbortController();
  const client = routerClient({ url: `http://127.0.0.1:${first.port}`, tokenFile });
  const listener = {
    onOpen: () => heard.push("open"),
    onEvent: (news: RouterNews | undefined) => heard.push(news?.kind ?? "change"),
    onLost: () => heard.push("lost"),
  };
  const following = follow(client, listener, leaving.signal);
  await until(() => heard.length === 3);
  await first.stop();
  await until(() => heard.length === 4);
  writeFileSync(tokenFile, "second");
  const second = feedServer(first.port, "second");
  await until(() => heard.length === 7);
  expect(heard).toEqual(["open", EVENT.kind, "change", "lost", "open", EVENT.kind, "change"]);
  leaving.abort();
  await following;
  await second.stop();
});

test("the proxy is not asked again after opencode has stopped the plugin", async () => {
  using folder = tempFolder();
  writeFileSync(folder.in("token"), "t");
  const leaving = new AbortController();
  leaving.abort();
  const client = routerClient({ url: "http://127.0.0.1:9", tokenFile: folder.in("token") });
  const listener = { onOpen: () => {}, onEvent: () => {}, onLost: () => {} };
  expect(await follow(client, listener, leaving.signal)).toBeUndefined();
});

test("the plugin reads the state of a proxy: a call without an answer yet is waiting on its lane", async () => {
  using folder = tempFolder();
  await withPair({ reply: ({ keyName }) => (keyName === "one" ? { kind: "hang" } : HELLO) }, async (rig) => {
    const tokenFile = folder.in("token");
    writeFileSync(tokenFile, rig.token);
    const client = routerClient({ url: rig.url, tokenFile });
    const leaving = new AbortController();
    const asked = rig.ask({ path: "/a/v1/chat/completions", model: "first", signal: leaving.signal });
    await until(() => rig.router.answers.list().length === 1);
    const state = await client.state();
    expect(state.answers).toMatchObject([{ phase: "waiting", key: "one", model: "a/first", tool: null }]);
    expect(state.keys.map(({ name, inFlight }) => [name, inFlight])).toEqual([
      ["one", 1],
      ["other", 0],
    ]);
    leaving.abort();
    await asked.catch(() => {});
    await until(() => rig.router.answers.list().length === 0);
  });
});
