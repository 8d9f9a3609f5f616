import { expect, test } from "bun:test";
import type { Socket } from "node:net";
import { until } from "../e2e/serve-process.ts";
import { endOf, IMPATIENT, tell, type World, withWorld } from "./fault-world.ts";
import type { RawCall } from "./raw-upstream.ts";
import { answer, chunk, completion, EVENTS, LAST_CHUNK, reply, SSE_HEAD, TEXT } from "./wire.ts";

const WORDS = SSE_HEAD + EVENTS.slice(0, 4).map(chunk).join("");

/** What was sent before the connection ends: the client sees nothing of the first group, everything of the last. */
const STAGES: Record<"unseen" | "seen" | "finished", [stage: string, sent: string][]> = {
  unseen: [
    ["before a byte of the answer", ""],
    ["in the status line", "HTTP/1.1 20"],
    ["in the head", "HTTP/1.1 200 OK\r\ncontent-type: text/ev"],
    ["behind the head", SSE_HEAD],
    ["in the first event", SSE_HEAD + chunk('data: {"choices":[{"del')],
    ["behind the role", SSE_HEAD + chunk(EVENTS[0] ?? "")],
  ],
  seen: [
    ["behind the first words", WORDS],
    ["in the middle of an event", WORDS + chunk('data: {"cho')],
    ["in the middle of a chunk", `${WORDS}ff\r\ndata: {"cho`],
    ["before the finish", SSE_HEAD + EVENTS.slice(0, -2).map(chunk).join("")],
  ],
  finished: [
    ["behind the finish", SSE_HEAD + EVENTS.slice(0, -1).map(chunk).join("")],
    ["behind the end mark", SSE_HEAD + EVENTS.map(chunk).join("")],
  ],
};

type Shown = keyof typeof STAGES;
const ENDS = {
  reset: (socket: Socket) => socket.resetAndDestroy(),
  close: (socket: Socket) => socket.destroy(),
};

/** Every way to break off. What the client can see must have arrived before the end. */
async function forEveryBreak(
  { upstream, send, reset }: World,
  next: (call: RawCall, breakOff: (call: RawCall) => void) => void,
): Promise<[what: string, shown: Shown, end: string, text: string][]> {
  const seen: [string, Shown, string, string][] = [];
  for (const [how, end] of Object.entries(ENDS)) {
    for (const shown of ["unseen", "seen", "finished"] as const) {
      for (const [stage, sent] of STAGES[shown]) {
        const isSeen = Promise.withResolvers<void>();
        if (shown === "unseen") isSeen.resolve();
        const breakOff = ({ socket }: RawCall): void => {
          socket.write(sent);
          void isSeen.promise.then(() => setTimeout(end, 10, socket));
        };
        const first = upstream.calls.length;
        upstream.answerWith((call) => next({ ...call, nth: call.nth - first }, breakOff));
        const response = send();
        if (shown !== "unseen") void response.then(() => isSeen.resolve());
        const told = await tell(await response);
        seen.push([`${how} ${stage}`, shown, endOf(told), told.text]);
        await reset();
      }
    }
  }
  return seen;
}

test("an upstream that breaks off once, at whatever stage, is not noticed", () =>
  withWorld({}, async (world) => {
    const seen = await forEveryBreak(world, (call, breakOff) =>
      call.nth === 1 ? breakOff(call) : answer(call.socket),
    );
    expect(seen).toEqual(seen.map(([what, shown]) => [what, shown, "whole", TEXT]));
    const records = await world.records(seen.length);
    expect(records.map(({ outcome }) => outcome)).toEqual(seen.map(() => "served"));
    expect(await world.inFlight()).toBe(0);
  }));

test("an upstream that always breaks off ends in a last word, or in the event on which opencode asks again", () =>
  withWorld({}, async (world) => {
    const seen = await forEveryBreak(world, (call, breakOff) => breakOff(call));
    const ends: Record<Shown, string> = { unseen: "last-word", seen: "asks-again", finished: "whole" };
    expect(seen.map(([what, _shown, end]) => [what, end])).toEqual(
      seen.map(([what, shown]) => [what, ends[shown]]),
    );
    // Each key at most once more than once.
    expect(world.upstream.calls.length).toBeLessThanOrEqual(4 * seen.length);
    const messages = (await world.records(seen.length)).flatMap((record) => record.messages);
    expect([...new Set(messages)].sort()).toEqual(["", "The connection to the service broke."]);
  }));

/** No client should have to read this. The error says so, and the next request is served. */
const NONSENSE: [what: string, sent: string][] = [
  ["another protocol", "SSH-2.0-OpenSSH_9.6\r\n"],
  [
    "a switch of protocols",
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
  ],
  ["a status that does not exist", `HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n`],
  ["nothing in a good status", "HTTP/1.1 204 No Content\r\n\r\n"],
  ["two lengths", `HTTP/1.1 200 OK\r\ncontent-length: 10\r\ncontent-length: 20\r\n\r\n${completion(TEXT)}`],
  ["a length below zero", `HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n${completion(TEXT)}`],
  ["a length that is no number", `HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n${completion(TEXT)}`],
  ["a chunk whose length is no number", `${SSE_HEAD}zz\r\nhello\r\n`],
  [
    "a length beside chunks",
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n${chunk(completion(TEXT))}${LAST_CHUNK}`,
  ],
  [
    "an encoding of the transfer that is not read",
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: gzip, chunked\r\n\r\n${chunk(completion(TEXT))}${LAST_CHUNK}`,
  ],
  ["an escape code in a header", `HTTP/1.1 200 OK\r\nx-note: a\x1b[2Jb\r\ncontent-length: 2\r\n\r\n{}`],
  ["a NUL in a header", `HTTP/1.1 200 OK\r\nx-note: a\0b\r\ncontent-length: 2\r\n\r\n{}`],
  ["a bare CR in a header", `HTTP/1.1 200 OK\r\nx-note: a\rset-cookie: b\r\ncontent-length: 2\r\n\r\n{}`],
  ["a header without a name", "HTTP/1.1 200 OK\r\n: nameless\r\n\r\n"],
];

test("replies that break the protocol are a last word, and cost the next request nothing", () =>
  withWorld({}, async ({ ask, upstream, reset }) => {
    const ends: [string, string][] = [];
    for (const [what, sent] of NONSENSE) {
      upstream.answerWith(({ socket }) => void socket.end(sent));
      ends.push([what, endOf(await ask())]);
      await reset();
    }
    expect(ends).toEqual(NONSENSE.map(([what]) => [what, "last-word"]));
    upstream.answerWith(({ socket }) => answer(socket));
    expect((await ask()).text).toBe(TEXT);
  }));

const EVIL = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${completion("evil").length}\r\n\r\n${completion("evil")}`;

test("a length that is too short cuts the answer off, and what is behind it never becomes another answer", () =>
  withWorld({}, async ({ ask, upstream, reset }) => {
    const good = completion(TEXT);
    const short = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${good.length - 20}\r\n\r\n${good}`;
    upstream.answerWith(({ socket }) => void socket.write(short));
    expect(endOf(await ask({ stream: false }))).toBe("last-word");
    await reset();
    // A complete answer, followed by one that was not requested.
    upstream.answerWith(({ socket }) => {
      reply(socket, good, ["content-type: application/json"]);
      socket.write(EVIL);
    });
    for (let nth = 0; nth < 6; nth++) expect((await ask({ stream: false })).raw).not.toContain("evil");
  }));

test("a length that is too long is a broken connection, or a whole answer where its end mark has come", () =>
  withWorld({}, async ({ ask, upstream, reset, records }) => {
    const head = (type: string): string =>
      `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: 99999\r\n\r\n`;
    upstream.answerWith(({ socket }) => void socket.end(head("application/json") + completion(TEXT)));
    expect(endOf(await ask({ stream: false }))).toBe("last-word");
    await reset();
    // The connection stays open: the end mark is the end.
    upstream.answerWith(({ socket }) => void socket.write(head("text/event-stream") + EVENTS.join("")));
    const told = await ask();
    expect([endOf(told), told.text]).toEqual(["whole", TEXT]);
    expect((await records(2)).map(({ outcome }) => outcome)).toEqual(["exhausted", "served"]);
  }));

test("an answer that comes byte by byte, head and all, arrives as it was sent", () =>
  withWorld({}, async ({ ask, upstream }) => {
    upstream.answerWith(({ socket }) => {
      const bytes = Buffer.from(SSE_HEAD + EVENTS.map(chunk).join("") + LAST_CHUNK);
      socket.setNoDelay(true);
      const next = (at: number): void => {
        if (at >= bytes.length || socket.destroyed) return;
        socket.write(bytes.subarray(at, at + 1));
        setImmediate(next, at + 1);
      };
      next(0);
    });
    expect((await ask()).raw).toBe(EVENTS.join(""));
  }));

const TWO_MODELS = `${IMPATIENT}first_token_timeout = "1s"\nstall_timeout = "1s"\n[fallbacks]\n"*" = ["ollama-cloud/other"]\n`;

test.each<[what: string, meet: (call: RawCall) => void, verdict: string]>([
  ["accepts and never answers", () => {}, "silent"],
  [
    "sends its head a line at a time and never ends it",
    ({ socket }) => drip(socket, "x-more: 1\r\n", "HTTP/1.1 200 OK\r\n"),
    "silent",
  ],
  ["sends its head and never a body", ({ socket }) => void socket.write(SSE_HEAD), "silent"],
  [
    "keeps its stream alive and says nothing",
    ({ socket }) => drip(socket, chunk(": working\n\n"), SSE_HEAD),
    "silent",
  ],
  ["falls silent behind its first words", ({ socket }) => void socket.write(WORDS), "timeout"],
])("a model that %s is followed by the next one", (_what, meet, verdict) =>
  withWorld(
    {
      config: TWO_MODELS,
      keys: ["one"],
      onCall: (call) => (call.body.includes('"other"') ? answer(call.socket) : meet(call)),
    },
    async ({ ask, records, upstream, inFlight }) => {
      const told = await ask();
      expect([endOf(told), told.text]).toEqual(["whole", TEXT]);
      expect((await records(1))[0]).toMatchObject({ outcome: "served", verdicts: [verdict, "ok"] });
      // orouter closed the silent call.
      const [first] = upstream.calls;
      await until("the silent call to be over", () => first?.socket.destroyed === true);
      expect(await inFlight()).toBe(0);
    },
  ),
);

/** Sends a piece repeatedly until the connection closes. */
function drip(socket: Socket, piece: string | Buffer, first: string): void {
  socket.write(first);
  const timer = setInterval(() => socket.write(piece), 20);
  socket.on("close", () => clearInterval(timer));
}
