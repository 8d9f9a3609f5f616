import { expect, test } from "bun:test";
import { until } from "../e2e/serve-process.ts";
import { promptBody, type World, withWorld } from "./fault-world.ts";
import { promptHead, rawClient, rawPrompt } from "./raw-client.ts";
import { usage } from "./usage.ts";
import { answer, chunk, EVENTS, SSE_HEAD, TEXT } from "./wire.ts";

const WORDS = SSE_HEAD + EVENTS.slice(0, 4).map(chunk).join("");

/** A client that leaves, and how far its request had come. */
type Leaver = (world: World, leave: "end" | "reset") => Promise<void>;

const LEAVE = {
  end: (client: Awaited<ReturnType<typeof rawClient>>) => client.socket.destroy(),
  reset: (client: Awaited<ReturnType<typeof rawClient>>) => client.socket.resetAndDestroy(),
};

/** Sends part of a prompt and leaves. The next request is answered afterwards, so the part has been read. */
function leavingAfter(part: (head: string, body: string) => string): Leaver {
  return async (world, leave) => {
    const client = await rawClient(world.serve);
    const body = promptBody();
    client.socket.write(part(promptHead(world.serve, body.length), body));
    expect((await world.ask()).text).toBe(TEXT);
    LEAVE[leave](client);
    expect(world.upstream.calls.length).toBe(1);
  };
}

const BEFORE_A_CALL: [stage: string, leaver: Leaver][] = [
  ["before a byte of the head", leavingAfter(() => "")],
  ["in the request line", leavingAfter(() => "POST /v1/chat")],
  ["in the head", leavingAfter((head) => head.slice(0, -30))],
  ["behind the head", leavingAfter((head) => head)],
  ["in the body", leavingAfter((head, body) => head + body.slice(0, -20))],
];

test.each(BEFORE_A_CALL)(
  "a client that leaves %s has cost no call, and is no bug",
  async (_stage, leaver) => {
    for (const leave of ["end", "reset"] as const) {
      await withWorld({}, async (world) => {
        await leaver(world, leave);
        expect((await world.ask()).text).toBe(TEXT);
        expect(world.upstream.calls.length).toBe(2);
        expect((await world.records(2)).map(({ outcome }) => outcome)).toEqual(["served", "served"]);
      });
    }
  },
);

test.each<[stage: string, sent: string]>([
  ["before a byte of the answer", ""],
  ["behind the head of the answer", SSE_HEAD],
  ["in the middle of the answer", WORDS],
])("a client that leaves %s ends the call upstream, and nobody is blamed", async (_stage, sent) => {
  for (const leave of ["end", "reset"] as const) {
    await withWorld({ onCall: ({ socket }) => void socket.write(sent) }, async (world) => {
      const { upstream, serve, records, rests, inFlight } = world;
      const client = await rawPrompt(serve);
      await until("the call", () => upstream.calls.length === 1);
      if (sent === WORDS) await until("the first words", () => client.got().includes("here"));
      LEAVE[leave](client);
      await until("the call to be ended", () => upstream.calls[0]?.socket.destroyed === true);
      expect((await records(1))[0]?.outcome).toBe("client-gone");
      expect([await rests(), await inFlight()]).toEqual([[], 0]);
    });
  }
});

test("a client that leaves while it waits for a rest, or in the line for a key, makes no call and frees its place", () =>
  withWorld(
    {
      config: '[routing]\nmax_wait = "1m"\npatience = "1m"\n',
      provider: "concurrency = 1\n",
      keys: ["only"],
      onCall: ({ socket }) => void socket.write(WORDS),
    },
    async ({ serve, upstream, records, inFlight, rests, reset, ask }) => {
      const waiting = async (): Promise<number> =>
        ((await (await serve.get("/_orouter/state")).json()) as { waiting: number }).waiting;
      const first = await rawPrompt(serve, "first");
      await until("the first answer", () => first.got().includes("here"));
      const second = await rawPrompt(serve, "second");
      await until("the second to stand in line", async () => (await waiting()) === 1);
      second.socket.destroy();
      await until("the line to be empty", async () => (await waiting()) === 0);
      first.socket.destroy();
      await until("the first call to be over", async () => (await inFlight()) === 0);

      upstream.answerWith(({ socket }) =>
        socket.write("HTTP/1.1 429 Slow down\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n"),
      );
      const third = await rawPrompt(serve, "third");
      await until("the rest to be waited for", async () => (await waiting()) === 1);
      third.socket.destroy();
      await until("the wait to be over", async () => (await waiting()) === 0);
      expect(upstream.calls.length).toBe(2);
      expect((await records(3)).map(({ session, outcome }) => [session, outcome]).sort()).toEqual([
        ["first", "client-gone"],
        ["second", "client-gone"],
        ["third", "client-gone"],
      ]);
      expect(await rests()).toEqual(["lane rate-limit"]);
      await reset();
      upstream.answerWith(({ socket }) => answer(socket));
      expect((await ask()).text).toBe(TEXT);
    },
  ));

test("a client that does not read slows the upstream down, and not the memory full", () =>
  withWorld({}, async ({ serve, upstream, inFlight, records }) => {
    const words = chunk(
      `data: {"choices":[{"index":0,"delta":{"content":"${"x".repeat(60_000)}"},"finish_reason":null}]}\n\n`,
    );
    let sent = 0;
    upstream.answerWith(({ socket }) => {
      const more = (): void => {
        while (!socket.destroyed && socket.write(words)) sent += words.length;
      };
      socket.write(SSE_HEAD);
      socket.on("drain", more);
      more();
    });
    const client = await rawPrompt(serve);
    await until("the first words", () => client.got().length > 0);
    client.socket.pause();
    let before = -1;
    await until("the upstream to stand still", async () => {
      const isStill = sent === before;
      before = sent;
      await Bun.sleep(300);
      return isStill;
    });
    expect(usage.memoryMib(serve.pid, "peak")).toBeLessThan(200);
    client.socket.destroy();
    await until("the call to be ended", () => upstream.calls[0]?.socket.destroyed === true);
    expect([await inFlight(), (await records(1))[0]?.outcome]).toEqual([0, "client-gone"]);
  }));
