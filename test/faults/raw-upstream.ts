import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { SERVED_MODEL } from "../e2e/serve-process.ts";
import { reply } from "./wire.ts";

/** One request, and its connection to answer in any way. */
export interface RawCall {
  /** From 1, over all connections. */
  nth: number;
  key: string;
  head: string;
  body: Buffer;
  socket: Socket;
}

/** A provider on raw sockets. */
export interface RawUpstream {
  port: number;
  baseUrl: string;
  calls: RawCall[];
  /** Replaces the handler for the following calls. */
  answerWith: (onCall: (call: RawCall) => void) => void;
  /** Connections that are open now. */
  open: () => number;
  hangUp: () => void;
  stop: () => Promise<void>;
}

export interface RawOptions {
  onCall: (call: RawCall) => void;
  /** Called before anything is read; if it returns true, it handles the connection. */
  onConnection?: (socket: Socket) => boolean;
  tls?: TlsOptions;
}

const MODELS = JSON.stringify({ data: [{ id: SERVED_MODEL }] });

/** Reads only requests with a Content-Length. */
export async function startRawUpstream(options: RawOptions): Promise<RawUpstream> {
  const calls: RawCall[] = [];
  const sockets = new Set<Socket>();
  let { onCall } = options;
  const meet = (socket: Socket): void => {
    sockets.add(socket);
    // Tests break connections on purpose.
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    if (options.onConnection?.(socket) === true) return;
    readCalls(socket, (request) => {
      // orouter requests the list of models by itself, so this does not count as a call.
      if (request.head.startsWith("GET /v1/models "))
        return reply(socket, MODELS, ["content-type: application/json"]);
      const call = { nth: calls.length + 1, socket, ...request };
      calls.push(call);
      onCall(call);
    });
  };
  const hangUp = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = options.tls === undefined ? createServer(meet) : createTlsServer(options.tls, meet);
  // The other side may break off the handshake.
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const scheme = options.tls === undefined ? "http" : "https";
  return {
    port,
    baseUrl: `${scheme}://127.0.0.1:${port}/v1`,
    calls,
    answerWith: (next) => {
      onCall = next;
    },
    open: () => sockets.size,
    hangUp,
    stop: async () => {
      hangUp();
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}

function readCalls(socket: Socket, onCall: (request: Pick<RawCall, "key" | "head" | "body">) => void): void {
  let parts: Buffer[] = [];
  let bytes = 0;
  let needed = 0;
  socket.on("data", (chunk: Buffer) => {
    parts.push(chunk);
    bytes += chunk.length;
    while (bytes > 0 && bytes >= needed) {
      const all = Buffer.concat(parts);
      parts = [all];
      const headEnd = all.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const head = all.toString("latin1", 0, headEnd);
      const end = headEnd + 4 + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
      needed = end;
      if (bytes < end) return;
      needed = 0;
      const rest = all.subarray(end);
      parts = [rest];
      bytes = rest.length;
      const key = /^authorization: *Bearer (\S+)/im.exec(head)?.[1] ?? "";
      onCall({ key, head, body: all.subarray(headEnd + 4, end) });
    }
  });
}
