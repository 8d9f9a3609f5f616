import { expect, test } from "bun:test";
import { chatEvent, DONE, finishEvent } from "../core/stream/streams.ts";
import { startRig } from "./rig.ts";

const EVENTS = 2000;
const EVENT = new TextEncoder().encode(chatEvent({ content: "w".repeat(64 * 1024) }));

/** More than the sockets between provider and client hold, and far less than the whole answer. */
const IN_BETWEEN_EVENTS = 600;

/** A provider that sends as much as is read, and counts. */
function startFlood() {
  let sent = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => {
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            if (sent++ < EVENTS) return controller.enqueue(EVENT);
            controller.enqueue(new TextEncoder().encode(finishEvent("stop") + DONE));
            controller.close();
          },
        },
        { highWaterMark: 0 },
      );
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    },
  });
  return { url: `http://127.0.0.1:${server.port}/v1`, sent: () => sent, stop: () => server.stop(true) };
}

/** Resolves once the count has stopped growing. */
async function atRest(count: () => number): Promise<number> {
  let before = -1;
  while (count() === 0 || count() !== before) {
    before = count();
    await Bun.sleep(300);
  }
  return before;
}

test("a client that stops reading stops the provider, and gets the whole answer once it goes on", async () => {
  const flood = startFlood();
  const rig = startRig({ config: { providers: { a: { base_url: flood.url } } }, keys: { a: ["work"] } });
  const ended = Promise.withResolvers<void>();
  let received = 0;
  let isReading = false;
  const body = JSON.stringify({ model: "one", stream: true, messages: [{ role: "user", content: "hi" }] });
  const head = [
    "POST /a/v1/chat/completions HTTP/1.1",
    `host: ${new URL(rig.url).host}`,
    `authorization: Bearer ${rig.token}`,
    `content-length: ${body.length}`,
  ];
  const client = await Bun.connect({
    hostname: "127.0.0.1",
    port: Number(new URL(rig.url).port),
    socket: {
      open: (socket) => void socket.write(`${head.join("\r\n")}\r\n\r\n${body}`),
      data: (socket, bytes) => {
        received += bytes.length;
        if (!isReading) socket.pause();
        if (bytes.subarray(-5).equals(Buffer.from("0\r\n\r\n"))) ended.resolve();
      },
      close: () => ended.reject(new Error("the connection was closed")),
    },
  });
  try {
    expect(await atRest(flood.sent)).toBeLessThan(IN_BETWEEN_EVENTS);
    isReading = true;
    client.resume();
    await ended.promise;
    expect(received).toBeGreaterThan(EVENTS * EVENT.length);
    expect(rig.records().map((record) => record.outcome)).toEqual(["served"]);
    expect(rig.bugs).toEqual([]);
  } finally {
    ended.promise.catch(() => {});
    client.end();
    await rig.stop();
    flood.stop();
  }
});
