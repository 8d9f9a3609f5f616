import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type DialectName, readConversation } from "./conversation.ts";
import type { Incoming } from "./injector.ts";
import type { Action, Reply } from "./reply.ts";

/** One call as the provider saw it end. */
export interface Served {
  incoming: Incoming;
  body: string;
  reply: Reply;
  /** The caller left before the reply was over. */
  callerLeft: boolean;
  endedMs: number;
}

export interface Provider {
  /** What to configure as the provider's `base_url`. */
  baseUrl: string;
  served: Served[];
  stop: () => Promise<void>;
}

export interface ProviderOptions {
  models: readonly string[];
  answer: (incoming: Incoming) => Reply;
  /** Requests of a soak are not kept. */
  keepsCalls?: boolean;
}

const PATHS: Record<string, DialectName> = {
  "POST /v1/chat/completions": "chat",
  "POST /v1/responses": "responses",
  "POST /v1/messages": "messages",
};

/** Listens on a free port of 127.0.0.1. It is nothing but sockets, because many faults are below HTTP. */
export async function startProvider({
  models,
  answer,
  keepsCalls = true,
}: ProviderOptions): Promise<Provider> {
  const sockets = new Set<Socket>();
  const served: Served[] = [];
  const list = JSON.stringify({ object: "list", data: models.map((id) => ({ id, object: "model" })) });
  const handle = async (socket: Socket, request: RawRequest, signal: AbortSignal): Promise<void> => {
    const dialect = PATHS[request.target];
    if (dialect === undefined) {
      const found = request.target === "GET /v1/models";
      const body = found ? list : '{"error":{"message":"Not found","type":"not_found_error"}}';
      const head = `HTTP/1.1 ${found ? "200 OK" : "404 Not Found"}\r\ncontent-type: application/json`;
      socket.write(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      return;
    }
    const incoming = {
      secret: request.secret,
      conversation: readConversation(dialect, request.body),
      atMs: Date.now(),
    };
    const reply = answer(incoming);
    const one: Served = { incoming, body: request.body, reply, callerLeft: false, endedMs: 0 };
    if (keepsCalls) served.push(one);
    try {
      await carryOut(reply.actions, socket, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      one.callerLeft = true;
    }
    one.endedMs = Date.now();
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    const gone = new AbortController();
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      gone.abort();
    });
    readRequests(socket, (request) => void handle(socket, request, gone.signal));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    served,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}

const KEEP_ALIVE_MS = 400;
/** A silent call is broken off at last, as the gateway before a service does. It is for ever as a session goes. */
const HANG_MS = 30_000;

async function carryOut(actions: readonly Action[], socket: Socket, signal: AbortSignal): Promise<void> {
  for (const action of actions) {
    signal.throwIfAborted();
    switch (action.do) {
      case "raw":
        socket.write(action.text);
        break;
      case "chunk":
        await send(socket, chunkOf(action.data));
        break;
      case "wait":
        await sleep(action.ms, undefined, { signal });
        break;
      case "hang":
        for (let ms = 0; ms < HANG_MS; ms += KEEP_ALIVE_MS) {
          await sleep(KEEP_ALIVE_MS, undefined, { signal });
          if (action.keepAlive) await send(socket, chunkOf(": keep-alive\n\n"));
        }
        socket.resetAndDestroy();
        break;
      case "end":
        await send(socket, "0\r\n\r\n");
        break;
      case "close":
        socket.destroySoon();
        break;
      case "reset":
        socket.resetAndDestroy();
    }
  }
}

function chunkOf(data: string | Uint8Array): Buffer {
  const bytes = Buffer.from(data as string);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

/** A client that does not read slows the provider down. */
async function send(socket: Socket, data: string | Uint8Array): Promise<void> {
  if (socket.destroyed || socket.write(data)) return;
  const free = Promise.withResolvers<void>();
  const done = () => {
    socket.off("drain", done).off("close", done);
    free.resolve();
  };
  socket.on("drain", done).on("close", done);
  await free.promise;
}

interface RawRequest {
  /** Method and path. */
  target: string;
  secret: string;
  body: string;
}

/** Reads requests with a length or in chunks off a connection, one after another. */
function readRequests(socket: Socket, onRequest: (request: RawRequest) => void): void {
  let buffered = Buffer.alloc(0);
  let wanted = 0;
  socket.on("data", (bytes) => {
    buffered = Buffer.concat([buffered, Buffer.from(bytes as Uint8Array)]);
    while (buffered.length > 0 && buffered.length >= wanted) {
      const headEnd = buffered.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const head = buffered.toString("latin1", 0, headEnd);
      const body = bodyOf(head, buffered.subarray(headEnd + 4));
      wanted = body.end === undefined ? headEnd + 4 + body.wanted : 0;
      if (body.end === undefined) return;
      buffered = buffered.subarray(headEnd + 4 + body.end);
      const [method, path] = head.split(" ", 2);
      const secret = /^authorization: *Bearer (\S+)/im.exec(head)?.[1] ?? "";
      onRequest({ target: `${method} ${path?.split("?")[0]}`, secret, body: body.text });
    }
  });
}

/** The body, or how many bytes are needed to look again. */
function bodyOf(
  head: string,
  rest: Buffer,
): { end: number; text: string } | { end: undefined; wanted: number } {
  if (/^transfer-encoding: *chunked/im.test(head)) return chunkedBody(rest);
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  if (rest.length < length) return { end: undefined, wanted: length };
  return { end: length, text: rest.toString("utf8", 0, length) };
}

function chunkedBody(rest: Buffer): { end: number; text: string } | { end: undefined; wanted: number } {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = rest.indexOf("\r\n", at);
    if (lineEnd < 0) return { end: undefined, wanted: rest.length + 1 };
    const size = Number.parseInt(rest.toString("latin1", at, lineEnd), 16);
    const end = lineEnd + 2 + size + 2;
    if (rest.length < end) return { end: undefined, wanted: end };
    if (size === 0) return { end, text: Buffer.concat(parts).toString("utf8") };
    parts.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = end;
  }
}
