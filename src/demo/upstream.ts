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

/** The way from an event to the socket: compressed and cut into pieces where the script says so. */
export interface BodyWriter {
  /** Resolves once the bytes are handed to the socket, so that a wait behind it is a wait on the wire. */
  send: (bytes: string | Uint8Array) => Promise<void>;
  /** Whatever a compression still owes. */
  finish: () => Promise<void>;
}

/** Sends the head at once and returns the writer for what follows. */
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
    // A reader that does not keep up must slow the script down, and one that left must not hold it for ever.
    if (!hasRoom) await drained(response);
    // Pieces written in one breath would travel as one.
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

/** A reset can overtake the bytes before it in the reader's kernel; this much later it does not. */
const SETTLE_MS = 20;

const KEEP_ALIVE = ": keep-alive\n\n";

export interface Connection {
  response: ServerResponse;
  /** Fires when the connection is gone, whoever ended it. */
  signal: AbortSignal;
  /** Called right before the script itself ends the answer, so that its own breaks are no hang-ups. */
  onEnding: () => void;
}

/** Does the steps on one connection. It rejects with the signal's reason when the caller has gone. */
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

/** A FIN inside the body, or an RST: the two ways a provider's machine drops a caller. */
function breakOff(response: ServerResponse, how: "close" | "reset"): void {
  if (how === "close") response.destroy();
  else response.socket?.resetAndDestroy();
}

/** The longest nap a timer can take; a stall is one nap after another until the caller leaves. */
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
  /** 0, the default, takes any free port. */
  port?: number;
  /** Told of each call together with what it gets, before the first byte goes out. */
  onReply?: (call: Call, reply: Reply) => void;
  /** Told of each caller that left before its answer was over. */
  onHangUp?: (call: Call) => void;
}

/** A running scripted upstream. */
export interface Upstream {
  /** Scheme, host and port. */
  url: string;
  /** The address to configure as a provider's `base_url`. */
  baseUrl: string;
  port: number;
  /** Every call that came in, oldest first; the very oldest go when there are thousands. */
  calls: Call[];
  /** The calls whose caller left before the answer was over. */
  hungUp: Call[];
  /** Breaks off what is still open and gives the port back. */
  stop: () => Promise<void>;
}

/** Serves the scene on the loopback interface until it is stopped. */
export async function startUpstream(scene: Scene, options: UpstreamOptions = {}): Promise<Upstream> {
  const { host = "127.0.0.1", port = 0 } = options;
  const run: Run = { scene, options, tally: createTally(scene.keys), calls: [], hungUp: [], stopped: false };
  const server = createServer((request, response) => {
    serve(run, request, response).catch(() => response.destroy());
  });
  // Scripts are allowed to be silent for as long as they like.
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

/** Bodies are kept for tests to look at, so a demo left running for days must forget the oldest. */
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

/** As much as orouter itself lets through; a longer request is dropped with its connection. */
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
  // As at Ollama, the list of models is open to everyone.
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
