import { expect, test } from "bun:test";
import { join } from "node:path";
import { classifyFailure } from "../../src/core/verdict/failure.ts";
import { sendPlain } from "../../src/proxy/plain-http/plain-http.ts";
import { type RawCall, type RawUpstream, startRawUpstream } from "../faults/raw-upstream.ts";
import { until } from "./rig.ts";

const HELLO = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const MB = 1024 * 1024;

async function withUpstream(
  onCall: (call: RawCall) => void,
  run: (upstream: RawUpstream, send: (body?: Uint8Array) => ReturnType<typeof sendPlain>) => Promise<void>,
): Promise<void> {
  const upstream = await startRawUpstream({ onCall });
  const url = `${upstream.baseUrl}/chat/completions`;
  try {
    await run(upstream, (body = Buffer.from("{}")) => sendPlain({ url, method: "POST", fields: {}, body }));
  } finally {
    await upstream.stop();
  }
}

async function textOf(sent: ReturnType<typeof sendPlain>): Promise<string> {
  const { body } = await sent.reply;
  return Buffer.from((await body?.bytes()) ?? []).toString();
}

const socketsOf = ({ calls }: RawUpstream): number => new Set(calls.map(({ socket }) => socket)).size;

test("one connection carries call after call, and calls at one time have one each", () =>
  withUpstream(
    ({ socket }) => socket.write(HELLO),
    async (upstream, send) => {
      for (let nth = 0; nth < 5; nth++) expect(await textOf(send())).toBe("hello");
      expect(socketsOf(upstream)).toBe(1);
      expect(await Promise.all([send(), send(), send()].map(textOf))).toEqual(["hello", "hello", "hello"]);
      expect(socketsOf(upstream)).toBe(3);
    },
  ));

test.each([
  ["says that it closes", "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello", false],
  ["says more than its reply", `${HELLO}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil`, false],
  ["ends its reply with the connection", "HTTP/1.1 200 OK\r\n\r\nhello", true],
])("a connection that %s is not used again", (_name, reply, ends) =>
  withUpstream(
    ({ socket }) => void (ends ? socket.end(reply) : socket.write(reply)),
    async (upstream, send) => {
      expect([await textOf(send()), await textOf(send())]).toEqual(["hello", "hello"]);
      expect(socketsOf(upstream)).toBe(2);
      await until(() => upstream.open() === 0);
    },
  ),
);

test.each<[name: string, meanwhile: (call: RawCall) => void]>([
  ["was closed meanwhile", ({ socket }) => void socket.end()],
  ["has said something unasked", ({ socket }) => void socket.write(HELLO)],
])("a free connection that %s is left", (_name, meanwhile) =>
  withUpstream(
    ({ socket }) => socket.write(HELLO),
    async (upstream, send) => {
      await textOf(send());
      const [first] = upstream.calls;
      if (first !== undefined) meanwhile(first);
      await until(() => upstream.open() === 0);
      expect(await textOf(send())).toBe("hello");
      expect(socketsOf(upstream)).toBe(2);
    },
  ),
);

test("a reply that does not wait for all of its request ends the connection", async () => {
  const replied = Promise.withResolvers<void>();
  const upstream = await startRawUpstream({
    onCall: () => {},
    onConnection: (socket) => {
      socket.pause();
      socket.write(HELLO);
      socket.on("close", () => replied.resolve());
      return true;
    },
  });
  const url = `${upstream.baseUrl}/chat/completions`;
  expect(await textOf(sendPlain({ url, method: "POST", fields: {}, body: new Uint8Array(32 * MB) }))).toBe(
    "hello",
  );
  upstream.hangUp();
  await replied.promise;
  await upstream.stop();
});

test.each<[name: string, onCall: (call: RawCall) => void]>([
  ["before the head", () => {}],
  ["behind the head", ({ socket }) => void socket.write(HELLO.slice(0, -5))],
  ["in the middle", ({ socket }) => void socket.write(HELLO.slice(0, -2))],
])("a call that is broken off %s closes its connection", (_name, onCall) =>
  withUpstream(onCall, async (upstream, send) => {
    const sent = send();
    await until(() => upstream.calls.length === 1);
    const outcome = textOf(sent).catch((error: Error) => error.name);
    await Bun.sleep(5);
    sent.abort();
    expect(await outcome).toBe("AbortError");
    await until(() => upstream.open() === 0);
  }),
);

test.each<[name: string, onCall: (call: RawCall) => void, before: string]>([
  ["is reset before the head", ({ socket }) => void socket.resetAndDestroy(), ""],
  ["is closed before the head", ({ socket }) => void socket.end(), ""],
  ["is closed within the head", ({ socket }) => void socket.end("HTTP/1.1 200 OK\r\nx"), ""],
  ["is closed within the body", ({ socket }) => void socket.end(HELLO.slice(0, -2)), "hel"],
])("a connection that %s is a broken one, and what had come is there", (_name, onCall, before) =>
  withUpstream(onCall, async (_upstream, send) => {
    let text = "";
    let failure: unknown;
    try {
      const { body } = await send().reply;
      for (;;) {
        const chunk = await body?.read();
        if (chunk?.value === undefined) break;
        text += Buffer.from(chunk.value).toString();
      }
    } catch (error) {
      failure = error;
    }
    expect([text, classifyFailure(failure).kind]).toEqual([before, "reset"]);
  }),
);

test("what nobody reads stays with the provider, and comes once it is read", () => {
  const total = 64 * MB;
  let written = 0;
  return withUpstream(
    ({ socket }) => {
      const piece = Buffer.alloc(64 * 1024, "x");
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`);
      const more = (): void => {
        while (written < total) {
          written += piece.length;
          if (!socket.write(piece)) return;
        }
      };
      socket.on("drain", more);
      more();
    },
    async (_upstream, send) => {
      const { body } = await send().reply;
      let before = -1;
      while (written !== before) {
        before = written;
        await Bun.sleep(100);
      }
      // The system's own buffers hold some; the rest of it waits.
      expect(written).toBeLessThan(total / 2);
      let read = 0;
      for (let chunk = await body?.read(); chunk?.value !== undefined; chunk = await body?.read())
        read += chunk.value.length;
      expect(read).toBe(total);
    },
  );
});

test("a reply whose end nobody has read yet leaves its connection to the next call", () => {
  const start = "x".repeat(250 * 1024);
  const end = "x".repeat(10 * 1024);
  return withUpstream(
    ({ nth, socket }) =>
      socket.write(
        nth === 1 ? `HTTP/1.1 200 OK\r\ncontent-length: ${start.length + end.length}\r\n\r\n` : HELLO,
      ),
    async (upstream, send) => {
      const { body } = await send().reply;
      upstream.calls[0]?.socket.write(start);
      await Bun.sleep(50);
      // With these there is more than is taken unread.
      upstream.calls[0]?.socket.write(end);
      await Bun.sleep(50);
      expect(await textOf(send())).toBe("hello");
      expect((await body?.bytes())?.length).toBe(start.length + end.length);
    },
  );
});

test("a long request arrives as it was sent, on a connection that is new and on one that is not", () =>
  withUpstream(
    ({ socket }) => socket.write(HELLO),
    async (upstream, send) => {
      const body = crypto.getRandomValues(new Uint8Array(60_000));
      const long = Buffer.concat(Array<Uint8Array>(300).fill(body));
      await textOf(send(long));
      await textOf(send(long));
      const digests = upstream.calls.map((call) => Bun.SHA256.hash(call.body, "hex"));
      expect(digests).toEqual([Bun.SHA256.hash(long, "hex"), Bun.SHA256.hash(long, "hex")]);
      expect(socketsOf(upstream)).toBe(1);
    },
  ));

test("nothing that could end a header's line goes out, nor is it shown", () =>
  withUpstream(
    ({ socket }) => socket.write(HELLO),
    async (upstream) => {
      const url = `${upstream.baseUrl}/models`;
      const fields = { authorization: "Bearer not-a-real\r\nx-smuggled: 1" };
      expect(() => sendPlain({ url, method: "GET", fields, body: undefined })).toThrow(/^(?!.*not-a-real)/);
      expect(upstream.open()).toBe(0);
    },
  ));

test("a free connection keeps no process from its end", () =>
  withUpstream(
    ({ socket }) => socket.write(HELLO),
    async ({ baseUrl }) => {
      const module = join(import.meta.dir, "..", "..", "src", "proxy", "plain-http", "plain-http.ts");
      const script = `import { sendPlain } from ${JSON.stringify(module)};
        const sent = sendPlain({ url: "${baseUrl}/chat", method: "POST", fields: {}, body: undefined });
        console.log(Buffer.from(await (await sent.reply).body.bytes()).toString());`;
      const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
      expect([await child.stdout.text(), await child.exited]).toEqual(["hello\n", 0]);
    },
  ));
