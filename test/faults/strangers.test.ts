import { expect, test } from "bun:test";
import { until } from "../e2e/serve-process.ts";
import { withWorld } from "./fault-world.ts";
import { type RawClient, rawClient } from "./raw-client.ts";
import { answer, TEXT } from "./wire.ts";

const HELD = 1000;

/** What clients without the token send, and then wait. */
const STRANGERS: readonly string[] = [
  "",
  "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n",
  "GET /_orouter/state HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer guessed\r\n\r\n",
  "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n{",
];

test("1,000 held connections of strangers change nothing for the owner, and are closed", async () => {
  // More than a usual limit of 1,024 leaves room for, less than this test may open.
  const options = {
    first: "ulimit -n 4096",
    onCall: ({ socket }: { socket: Parameters<typeof answer>[0] }) => answer(socket),
  };
  await withWorld(options, async ({ serve, ask }) => {
    const held: RawClient[] = [];
    for (let at = 0; at < HELD; at += 100) {
      held.push(...(await Promise.all(Array.from({ length: 100 }, () => rawClient(serve)))));
    }
    let closed = 0;
    for (const [at, client] of held.entries()) {
      void client.closed.then(() => closed++);
      client.socket.write(STRANGERS[at % STRANGERS.length] ?? "");
    }
    const isRefused = (at: number): boolean => at % STRANGERS.length > 1;
    const refused = held.filter((_, at) => isRefused(at));
    await until("those without the token to be refused", () =>
      refused.every(({ got }) => got().startsWith("HTTP/1.1 401")),
    );
    for (const session of ["a", "b", "c"]) expect((await ask({ session })).text).toBe(TEXT);
    // Those refused are closed at once, the silent ones after some seconds.
    await until("all strangers to be closed", () => closed === HELD, 40_000);
    expect((await ask({ session: "d" })).text).toBe(TEXT);
  });
}, 90_000);

test("a stranger that sends its head byte by byte is closed all the same, and the owner's silence is not", async () => {
  await withWorld({ onCall: ({ socket }) => answer(socket) }, async ({ serve }) => {
    const dripping = await rawClient(serve);
    const owner = await rawClient(serve);
    // The owner's request waits for its body.
    owner.socket.write(
      `POST /_orouter/reset HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${serve.token}\r\nContent-Length: 2\r\n\r\n`,
    );
    dripping.socket.write("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    const drip = setInterval(() => dripping.socket.write("x-a: b\r\n"), 500);
    let isOwnerClosed = false;
    void owner.closed.then(() => {
      isOwnerClosed = true;
    });
    try {
      await dripping.closed;
    } finally {
      clearInterval(drip);
    }
    expect(isOwnerClosed).toBe(false);
    owner.socket.write("{}");
    await until("the owner's answer", () => owner.got().startsWith("HTTP/1.1 200"));
    owner.socket.destroy();
  });
}, 60_000);

test("a body for the control API is limited", async () => {
  await withWorld({ onCall: ({ socket }) => answer(socket) }, async ({ serve }) => {
    const reply = await fetch(`${serve.url}/_orouter/reset`, {
      method: "POST",
      headers: { authorization: `Bearer ${serve.token}` },
      body: `{"model": "${"x".repeat(100_000)}"}`,
    });
    expect(reply.status).toBe(413);
    expect((await serve.get("/_orouter/health")).status).toBe(200);
  });
});
