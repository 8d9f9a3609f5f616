import type { Socket } from "node:net";
import { readEvents, textOf } from "../demo/read-events.ts";

/** The answer of every good call in these tests, and its events. */
export const TEXT = "Still here, word by word, to the end.";

export const SSE_HEAD =
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

export function event(delta: Record<string, unknown>, finish: string | null = null): string {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  return `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", choices })}\n\n`;
}

/** The last two events are the finish and the end mark. */
export function eventsOf(text: string): string[] {
  const words = text.split(/(?<= )/).map((word) => event({ content: word }));
  return [event({ role: "assistant" }), ...words, event({}, "stop"), "data: [DONE]\n\n"];
}

export const EVENTS = eventsOf(TEXT);

export function chunk(text: string | Uint8Array): Buffer {
  const bytes = Buffer.from(text as string);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

export const LAST_CHUNK = "0\r\n\r\n";

export function answer(socket: Socket, events: readonly string[] = EVENTS): void {
  socket.write(Buffer.concat([Buffer.from(SSE_HEAD), ...events.map(chunk), Buffer.from(LAST_CHUNK)]));
}

export function reply(socket: Socket, body: string | Uint8Array, head: readonly string[] = []): void {
  const bytes = Buffer.from(body as string);
  const lines = ["HTTP/1.1 200 OK", `content-length: ${bytes.length}`, ...head];
  socket.write(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), bytes]));
}

/** A response to a request without streaming. */
export function completion(text: string): string {
  const message = { role: "assistant", content: text };
  return JSON.stringify({
    id: "c1",
    object: "chat.completion",
    choices: [{ index: 0, message, finish_reason: "stop" }],
  });
}

/** The words of all complete events. */
export function textIn(raw: string): string {
  return textOf(readEvents(raw));
}
