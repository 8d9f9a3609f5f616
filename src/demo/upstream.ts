import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Problem } from "../core/problem.ts";
import { type Asked, type Call, type Dialect, readAsked } from "./call.ts";
import { carryOut } from "./carry-out.ts";
import { modelMissing, pathMissing, scriptFailed, unauthorized } from "./replies.ts";
import type { Reply } from "./reply.ts";
import type { Scene } from "./scene.ts";
import { stepsOf } from "./steps.ts";
import { createTally, type Tally } from "./tally.ts";

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

const DIALECTS: Record<string, Dialect> = {
  "POST /v1/chat/completions": "chat",
  "POST /v1/responses": "responses",
};

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
  return readAsked({ method, path, headers, body, atMs: Date.now() }, DIALECTS[`${method} ${path}`]);
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
