import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Transform } from "node:stream";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { constants, createBrotliCompress, createGzip, createZstdCompress } from "node:zlib";
import { dialectAt } from "../core/dialect/registry.ts";
import { Problem } from "../core/problem.ts";
import { type Asked, type Call, readAsked } from "./call.ts";
import { type Encoding, modelMissing, pathMissing, type Reply, scriptFailed, unauthorized } from "./reply.ts";
import type { Scene } from "./scenes.ts";
import { type Head, type Step, stepsOf } from "./steps.ts";
import { createTally, type Tally } from "./story.ts";

export interface BodyWriter {
  /** Resolves when the socket has the bytes, so that a following wait happens on the wire. */
  send: (bytes: string | Uint8Array) => Promise<void>;
  finish: () => Promise<void>;
}

export function openBody(response: ServerResponse, head: Head): BodyWriter {
  response.writeHead(head.status, head.headers);
  response.flushHeaders();
  const write = (bytes: Uint8Array) => writePieces(response, bytes, head.splitBytes ?? bytes.length);
  if (head.encoding) return compressed(head.encoding, write);
  return { send: (bytes) => write(Buffer.from(bytes)), finish: async () => {} };
}

async function writePieces(response: ServerResponse, bytes: Uint8Array, size: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += size) {
    if (response.destroyed) return;
    const hasRoom = response.write(bytes.subarray(at, at + size));
    // A slow reader must slow the script down, and one that left must not block it.
    if (!hasRoom) await drained(response);
    // Without a pause the pieces would travel as one.
    if (size < bytes.length) await setImmediate();
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

const FLUSH = {
  gzip: { create: createGzip, mark: constants.Z_SYNC_FLUSH },
  br: { create: createBrotliCompress, mark: constants.BROTLI_OPERATION_FLUSH },
  zstd: { create: createZstdCompress, mark: constants.ZSTD_e_flush },
} as const;

function compressed(encoding: Encoding, write: (bytes: Uint8Array) => Promise<void>): BodyWriter {
  const { create, mark } = FLUSH[encoding];
  const squeeze: Transform & { flush(mark: number, done: () => void): void } = create();
  let pending: Uint8Array[] = [];
  squeeze.on("data", (bytes: Uint8Array) => pending.push(bytes));
  const pass = async () => {
    const ready = Buffer.concat(pending);
    pending = [];
    await write(ready);
  };
  return {
    send: async (bytes) => {
      squeeze.write(bytes);
      await new Promise<void>((resolve) => squeeze.flush(mark, resolve));
      await pass();
    },
    finish: async () => {
      await new Promise<void>((resolve) => squeeze.once("end", resolve).end());
      await pass();
    },
  };
}

/** A reset can overtake earlier bytes in the reader's kernel; after this delay it does not. */
const SETTLE_MS = 20;

const KEEP_ALIVE = ": keep-alive\n\n";

export interface Connection {
  response: ServerResponse;
  /** Aborted when the connection is gone, whoever ended it. */
  signal: AbortSignal;
  /** Called right before the script ends the answer, so that its own faults do not count as hang-ups. */
  onEnding: () => void;
}

/** Rejects with the signal's reason when the caller has gone. */
export async function carryOut(steps: Step[], { response, signal, onEnding }: Connection): Promise<void> {
  let body: BodyWriter | undefined;
  for (const step of steps) {
    signal.throwIfAborted();
    switch (step.do) {
      case "head":
        body = openBody(response, step);
        break;
      case "send":
        await body?.send(step.bytes);
        break;
      case "wait":
        await silence(step.ms, step.keepAliveEveryMs, body, signal);
        break;
      case "stall":
        await silence(Number.POSITIVE_INFINITY, step.keepAliveEveryMs, body, signal);
        break;
      case "end":
        await body?.finish();
        onEnding();
        response.end();
        break;
      case "close":
      case "reset":
        if (body) await sleep(SETTLE_MS, undefined, { signal });
        onEnding();
        breakOff(response, step.do);
    }
  }
}

/** A FIN inside the body, or an RST: the two ways a provider drops a connection. */
function breakOff(response: ServerResponse, how: "close" | "reset"): void {
  if (how === "close") response.destroy();
  else response.socket?.resetAndDestroy();
}

/** The longest delay a timer accepts; a stall repeats it until the caller leaves. */
const LONGEST_NAP_MS = 2 ** 31 - 1;

async function silence(
  ms: number,
  everyMs: number | undefined,
  body: BodyWriter | undefined,
  signal: AbortSignal,
): Promise<void> {
  let leftMs = ms;
  while (leftMs > 0) {
    const napMs = Math.min(leftMs, everyMs ?? LONGEST_NAP_MS, LONGEST_NAP_MS);
    await sleep(napMs, undefined, { signal });
    leftMs -= napMs;
    if (leftMs > 0 && everyMs !== undefined) await body?.send(KEEP_ALIVE);
  }
}

export interface UpstreamOptions {
  host?: string;
  /** 0, the default, uses any free port. */
  port?: number;
  /** Called with each request and its reply before the first byte is sent. */
  onReply?: (call: Call, reply: Reply) => void;
  /** Called for each caller that left before its answer was complete. */
  onHangUp?: (call: Call) => void;
}

export interface Upstream {
  url: string;
  /** The address for a provider's `base_url`. */
  baseUrl: string;
  port: number;
  /** Oldest first; the oldest are dropped after thousands. */
  calls: Call[];
  /** Requests whose caller left before the answer was complete. */
  hungUp: Call[];
  stop: () => Promise<void>;
}

/** Listens on loopback only. */
export async function startUpstream(scene: Scene, options: UpstreamOptions = {}): Promise<Upstream> {
  const { host = "127.0.0.1", port = 0 } = options;
  const run: Run = { scene, options, tally: createTally(scene.keys), calls: [], hungUp: [], stopped: false };
  const server = createServer((request, response) => {
    serve(run, request, response).catch(() => response.destroy());
  });
  // Scripts may be silent for any time.
  server.timeout = 0;
  server.requestTimeout = 0;
  const bound = await listen(server, host, port);
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${bound}`;
  return {
    url,
    baseUrl: `${url}/v1`,
    port: bound,
    calls: run.calls,
    hungUp: run.hungUp,
    stop: () => {
      run.stopped = true;
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

interface Run {
  scene: Scene;
  options: UpstreamOptions;
  tally: Tally;
  calls: Call[];
  hungUp: Call[];
  stopped: boolean;
}

/** Bodies are kept for tests, so a demo that runs for days must drop the oldest. */
const CALLS_KEPT = 5_000;

async function serve(run: Run, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const call = run.tally.arrive(await readRequest(request));
  keep(run.calls, call);
  const reply = replyTo(run.scene, call);
  run.tally.note(call, reply);
  run.options.onReply?.(call, reply);

  const gone = new AbortController();
  let isOver = false;
  response.on("close", () => {
    if (!isOver && !response.writableFinished && !run.stopped) {
      keep(run.hungUp, call);
      run.options.onHangUp?.(call);
    }
    gone.abort();
  });
  try {
    const onEnding = () => {
      isOver = true;
    };
    await carryOut(stepsOf(reply, call), { response, signal: gone.signal, onEnding });
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    run.tally.leave(call);
  }
}

function keep(calls: Call[], call: Call): void {
  calls.push(call);
  if (calls.length > CALLS_KEPT) calls.shift();
}

/** The same limit as orouter's; a longer request is dropped with its connection. */
const BODY_LIMIT_BYTES = 64 * 1024 * 1024;

async function readRequest(request: IncomingMessage): Promise<Asked> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of request) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > BODY_LIMIT_BYTES) throw new Error("request body too long");
  }
  const method = request.method ?? "GET";
  const path = new URL(request.url ?? "/", "http://upstream").pathname;
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
  const body = Buffer.concat(pieces).toString("utf8");
  return readAsked(
    { method, path, headers, body, atMs: Date.now() },
    method === "POST" ? dialectAt(path.replace(/^\/v1\//, "")) : undefined,
  );
}

function replyTo(scene: Scene, call: Call): Reply {
  // As at Ollama, the list of models is public.
  if (call.method === "GET" && call.path === "/v1/models") return { kind: "models", ids: scene.models };
  if (call.dialect === undefined) return pathMissing(call.path);
  if (scene.keys.length > 0 && call.keyName === "") return unauthorized();
  if (scene.models.length > 0 && !scene.models.includes(call.model)) return modelMissing(call.model);
  try {
    return scene.reply(call);
  } catch (error) {
    return scriptFailed(error);
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      reject(
        new Problem({
          code: "upstream-not-started",
          what: `The scripted upstream cannot listen on ${host} port ${port}: ${error.message}.`,
          fix: "Choose another port, or port 0 for any free one.",
        }),
      );
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}
