import { expect, test } from "bun:test";
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { SERVED_MODEL } from "../e2e/serve-process.ts";
import { endOf, IMPATIENT, promptBody, type World, withWorld } from "./fault-world.ts";
import type { RawCall } from "./raw-upstream.ts";
import { usage } from "./usage.ts";
import { answer, chunk, completion, EVENTS, event, LAST_CHUNK, reply, SSE_HEAD, TEXT } from "./wire.ts";

const MIB = 1024 * 1024;
const LIMIT = 64 * MIB;
const JSON_TYPE = "content-type: application/json";
const JSON_HEAD = `HTTP/1.1 200 OK\r\n${JSON_TYPE}\r\n\r\n`;
const TOO_LARGE =
  "The answer is larger than 64 MiB, the limit that config.toml sets as answer_bytes under [limits].";
const TOO_LARGE_TO_PARSE =
  "The answer is larger than 2 MiB, 1/32 of answer_bytes under [limits] in config.toml: it cannot be passed on unread.";
const ENDLESS_EVENT = "an event of the stream has no end";
const BROKE = "The connection to the service broke.";

/** Several times the largest permitted buffer, and far less than what is sent. */
const BOUND_MIB = 600;

/** A gibibyte of blanks in a mebibyte. */
const BOMB = gzipSync(Buffer.alloc(1024 * MIB, " "));

/** A completion padded with blanks to a length. */
function padded(bytes: number): Buffer {
  const body = Buffer.alloc(bytes, " ");
  body.write(completion(TEXT));
  return body;
}

/** Sends without end. */
function pour(socket: Socket, head: string, piece: string): void {
  const bytes = Buffer.from(piece);
  const more = (): void => {
    while (!socket.destroyed && socket.write(bytes)) {}
  };
  socket.write(head);
  socket.on("drain", more);
  more();
}

const ENDLESS: [what: string, stream: boolean, onCall: (call: RawCall) => void, why: string][] = [
  [
    "a head without end",
    true,
    ({ socket }) => pour(socket, "HTTP/1.1 200 OK\r\n", "x-more: and more\r\n".repeat(4096)),
    BROKE,
  ],
  [
    "a header without end",
    true,
    ({ socket }) => pour(socket, "HTTP/1.1 200 OK\r\nx-more: ", "x".repeat(65_536)),
    BROKE,
  ],
  [
    "a status line without end",
    true,
    ({ socket }) => pour(socket, "HTTP/1.1 200 ", "x".repeat(65_536)),
    BROKE,
  ],
  ["a body without end", false, ({ socket }) => pour(socket, JSON_HEAD, " ".repeat(65_536)), TOO_LARGE],
  [
    "a body without end where a stream was asked for",
    true,
    ({ socket }) => pour(socket, JSON_HEAD, " ".repeat(65_536)),
    TOO_LARGE_TO_PARSE,
  ],
  [
    "an event without end",
    true,
    ({ socket }) => pour(socket, `${SSE_HEAD.replace(/transfer.*\r\n/, "")}data: `, "x".repeat(65_536)),
    ENDLESS_EVENT,
  ],
  [
    "a bomb for a body",
    false,
    ({ socket }) => reply(socket, BOMB, ["content-encoding: gzip", JSON_TYPE]),
    TOO_LARGE,
  ],
  [
    "a bomb for a stream",
    true,
    ({ socket }) => reply(socket, BOMB, ["content-encoding: gzip", "content-type: text/event-stream"]),
    ENDLESS_EVENT,
  ],
];

test.each(ENDLESS)("%s is cut off, in bounded memory", (_what, stream, onCall, why) =>
  withWorld({ onCall }, async ({ ask, records, serve, upstream }) => {
    expect(endOf(await ask({ stream }))).toBe("last-word");
    expect([...new Set((await records(1))[0]?.messages)]).toEqual([why]);
    expect(usage.memoryMib(serve.pid, "peak")).toBeLessThan(BOUND_MIB);
    upstream.answerWith(({ socket }) => answer(socket));
    expect((await ask({ model: "another" })).text).toBe(TEXT);
  }),
);

test("a refusal that is a bomb is judged by its status, and read no further than error_body_bytes", () =>
  withWorld(
    {
      onCall: ({ socket }) => {
        const lines = ["HTTP/1.1 500 Oh", "content-encoding: gzip", `content-length: ${BOMB.length}`];
        socket.write(`${lines.join("\r\n")}\r\n\r\n`);
        socket.write(BOMB);
      },
    },
    async ({ ask, records, serve }) => {
      expect(endOf(await ask())).toBe("last-word");
      expect((await records(1))[0]?.messages[0]).toContain("answered 500");
      expect(usage.memoryMib(serve.pid, "peak")).toBeLessThan(200);
    },
  ));

test("an answer of 64 MiB comes whole to the byte, one byte more is refused by the limit's name, a stream has none", () =>
  withWorld({}, async ({ ask, upstream, records, serve, reset }) => {
    upstream.answerWith(({ socket }) => reply(socket, padded(LIMIT), [JSON_TYPE]));
    const fits = await ask({ stream: false });
    expect([fits.status, fits.raw.length, fits.raw === padded(LIMIT).toString()]).toEqual([200, LIMIT, true]);
    upstream.answerWith(({ socket }) => reply(socket, padded(LIMIT + 1), [JSON_TYPE]));
    expect(endOf(await ask({ stream: false }))).toBe("last-word");
    await reset();
    const words = Array.from({ length: 1100 }, () => event({ content: "x".repeat(65_536) }));
    upstream.answerWith(({ socket }) => answer(socket, [...words, ...EVENTS]));
    const stream = await ask();
    expect([endOf(stream), stream.text.length]).toEqual(["whole", 1100 * 65_536 + TEXT.length]);
    const [first, over] = await records(3);
    expect([first?.verdicts, new Set(over?.messages)]).toEqual([["ok"], new Set([TOO_LARGE])]);
    expect(usage.memoryMib(serve.pid, "peak")).toBeLessThan(BOUND_MIB);
  }));

test("1/32 of answer_bytes in config.toml is what counts for an answer that is translated", () =>
  withWorld(
    { config: `${IMPATIENT}[limits]\nanswer_bytes = 131072\n` },
    async ({ serve, upstream, records }) => {
      const respond = (): Promise<Response> =>
        fetch(`${serve.url}/v1/responses`, {
          method: "POST",
          headers: { authorization: `Bearer ${serve.token}`, "content-type": "application/json" },
          body: JSON.stringify({ model: `ollama-cloud/${SERVED_MODEL}`, input: "say the words" }),
        });
      upstream.answerWith(({ socket }) => reply(socket, padded(4096), [JSON_TYPE]));
      expect(await (await respond()).text()).toContain(TEXT);
      upstream.answerWith(({ socket }) => reply(socket, padded(4097), [JSON_TYPE]));
      expect((await respond()).status).toBe(503);
      expect((await records(2))[1]?.messages[0]).toContain("answer_bytes");
    },
  ));

test("a request of 64 MiB arrives to the byte, one byte more is refused by the limit's name", () =>
  withWorld({}, async ({ serve, upstream }) => {
    const send = (bytes: number): Promise<Response> => {
      const body = Buffer.alloc(bytes, " ");
      body.write(promptBody());
      const headers = { authorization: `Bearer ${serve.token}`, "content-type": "application/json" };
      // The model's name stays the same, so the bytes do, too.
      return fetch(`${serve.url}/ollama-cloud/v1/chat/completions`, { method: "POST", headers, body });
    };
    const fits = await send(LIMIT);
    expect([fits.status, upstream.calls.length]).toEqual([200, 1]);
    await fits.text();
    const over = await send(LIMIT + 1);
    expect([over.status, await over.text()]).toEqual([400, expect.stringContaining("body_bytes")]);
    expect(upstream.calls.length).toBe(1);
    expect(usage.memoryMib(serve.pid, "peak")).toBeLessThan(BOUND_MIB);
  }));

test("odd events pass as they are: ten thousand lines, comments without end, bytes that are no UTF-8", () =>
  withWorld({}, async ({ send, upstream }) => {
    const [role = "", ...rest] = EVENTS;
    const lines = `data: {"choices":[{"index":0,"delta":{"content":"x"},\n${"data: \n".repeat(10_000)}data: "finish_reason":null}]}\n\n`;
    const comments = `${": still working\n".repeat(10_000)}\n`;
    const bad = Buffer.concat([
      Buffer.from('data: {"choices":[{"index":0,"delta":{"content":"a'),
      Buffer.from([0xff, 0xfe, 0xc3]),
      Buffer.from('b"},"finish_reason":null}]}\n\n'),
    ]);
    const sent = [role, lines, comments, bad, ...rest].map((part) => Buffer.from(part as string));
    upstream.answerWith(({ socket }) =>
      socket.write(Buffer.concat([Buffer.from(SSE_HEAD), ...sent.map(chunk), Buffer.from(LAST_CHUNK)])),
    );
    const got = Buffer.from(await (await send()).arrayBuffer());
    expect(got.equals(Buffer.concat(sent))).toBe(true);
  }));

test("what is said to be packed and is not is a broken answer", () =>
  withWorld(
    {
      onCall: ({ socket }) =>
        reply(socket, EVENTS.join(""), ["content-encoding: gzip", "content-type: text/event-stream"]),
    },
    async ({ ask, records }: World) => {
      expect(endOf(await ask())).toBe("last-word");
      expect(new Set((await records(1))[0]?.verdicts)).toEqual(new Set(["reset"]));
    },
  ));

/** A known length, and one that only the end of the connection tells. */
const WHOLE_ANSWERS: [what: string, onCall: (call: RawCall) => void][] = [
  ["with a length", ({ socket }) => reply(socket, padded(LIMIT), [JSON_TYPE])],
  [
    "without a length",
    ({ socket }) => void socket.end(Buffer.concat([Buffer.from(JSON_HEAD), padded(LIMIT)])),
  ],
];

test.each(WHOLE_ANSWERS)(
  "an answer in one piece %s takes less than twice its limit of memory",
  (_what, onCall) =>
    withWorld({}, async ({ ask, upstream, serve, records }) => {
      await ask();
      const beforeMib = usage.memoryMib(serve.pid, "peak");
      upstream.answerWith(onCall);
      const told = await ask({ stream: false });
      expect([told.status, told.raw.length]).toEqual([200, LIMIT]);
      expect((await records(2))[1]?.outcome).toBe("served");
      expect(usage.memoryMib(serve.pid, "peak") - beforeMib).toBeLessThan((2 * LIMIT) / MIB);
    }),
);

test.each([
  [
    "turned into a stream",
    "/ollama-cloud/v1/chat/completions",
    { messages: [{ role: "user", content: "hi" }] },
  ],
  ["translated", "/v1/responses", { input: "hi" }],
])("an answer in one piece that is %s takes less than twice answer_bytes of memory", (_what, path, asked) =>
  withWorld({}, async ({ upstream, serve, ask }) => {
    const long = "words ".repeat(LIMIT / 32 / 6 - 1_000);
    await ask();
    const beforeMib = usage.memoryMib(serve.pid, "peak");
    upstream.answerWith(({ socket }) => reply(socket, Buffer.from(completion(long)), [JSON_TYPE]));
    const model = path.startsWith("/v1/") ? `ollama-cloud/${SERVED_MODEL}` : SERVED_MODEL;
    const answered = await fetch(`${serve.url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${serve.token}`, "content-type": "application/json" },
      body: JSON.stringify({ model, stream: true, ...asked }),
    });
    expect([answered.status, answered.status === 200 ? "" : await answered.text()]).toEqual([200, ""]);
    expect((await answered.text()).length).toBeGreaterThan(long.length);
    expect(usage.memoryMib(serve.pid, "peak") - beforeMib).toBeLessThan((2 * LIMIT) / MIB);
  }),
);

test("a reply with a length beside chunks is refused unread", () =>
  withWorld({}, async ({ ask, upstream, serve, records }) => {
    await ask();
    const beforeMib = usage.memoryMib(serve.pid, "peak");
    const piece = chunk(Buffer.alloc(MIB, " ")).toString();
    const both = `HTTP/1.1 200 OK\r\n${JSON_TYPE}\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n`;
    upstream.answerWith(({ socket }) => pour(socket, both, piece));
    expect(endOf(await ask({ stream: false }))).toBe("last-word");
    expect(new Set((await records(2))[1]?.messages)).toEqual(
      new Set(["the reply has both a length and a transfer encoding"]),
    );
    expect(usage.memoryMib(serve.pid, "peak") - beforeMib).toBeLessThan(LIMIT / MIB);
  }));
