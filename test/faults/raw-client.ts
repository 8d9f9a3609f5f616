import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { ServeProcess } from "../e2e/serve-process.ts";
import { promptBody } from "./fault-world.ts";
import { textIn } from "./wire.ts";

/** A client on a raw socket, so that it can leave, wait or misbehave at any point. */
export interface RawClient {
  socket: Socket;
  /** Everything received so far. */
  got: () => string;
  /** Resolves when the server has closed the connection. */
  closed: Promise<void>;
  /** Waits for the end of the connection or of a chunked body, and returns the words of the answer. */
  text: () => Promise<string>;
}

/** Connects without sending anything. */
export async function rawClient(serve: Pick<ServeProcess, "url">): Promise<RawClient> {
  const { hostname, port } = new URL(serve.url);
  const socket = connect(Number(port), hostname);
  const over = Promise.withResolvers<void>();
  const parts: Buffer[] = [];
  const got = (): string => Buffer.concat(parts).toString("utf8");
  const closed = Promise.withResolvers<void>();
  socket.on("error", () => {});
  socket.on("data", (bytes: Buffer) => {
    parts.push(bytes);
    if (bytes.includes("0\r\n\r\n") && got().endsWith("\r\n0\r\n\r\n")) over.resolve();
  });
  socket.on("close", () => {
    closed.resolve();
    over.resolve();
  });
  await once(socket, "connect");
  return {
    socket,
    got,
    closed: closed.promise,
    text: async () => {
      await over.promise;
      return textIn(bodyIn(got()));
    },
  };
}

/** The head of an ordinary prompt with this length. */
export function promptHead(serve: ServeProcess, bytes: number, session = "raw"): string {
  const lines = [
    "POST /v1/chat/completions HTTP/1.1",
    `Host: ${new URL(serve.url).host}`,
    `Authorization: Bearer ${serve.token}`,
    "Content-Type: application/json",
    `X-Session-Id: ${session}`,
    `Content-Length: ${bytes}`,
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

export async function rawPrompt(serve: ServeProcess, session = "raw"): Promise<RawClient> {
  const client = await rawClient(serve);
  const body = promptBody();
  client.socket.write(promptHead(serve, body.length, session) + body);
  return client;
}

/** Decodes a chunked body. */
function bodyIn(reply: string): string {
  const body = reply.slice(reply.indexOf("\r\n\r\n") + 4);
  return /^transfer-encoding: chunked/im.test(reply) ? body.replace(/(^|\r\n)[0-9a-f]+\r\n/g, "") : body;
}
