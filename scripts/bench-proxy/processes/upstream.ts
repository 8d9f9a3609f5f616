import type { Socket } from "bun";

/**
 * The provider of the benchmark, on raw sockets so that it costs little beside what is measured. The first part of a
 * path says what it plays; an answer of a model that no request named before may be a refusal.
 */
const CHUNKS = 200;
const CHUNK_EVERY_MS = 10;
const BULK_BYTES = 64 * 1024 * 1024;
const EVENTS_AT_ONCE = 256;
const REST_AFTER_MS = 2;

interface Client {
  parts: Buffer[];
  /** Bytes of a bulk answer that are still to be sent. */
  bulkLeft: number;
  /** Of the piece being sent, what the socket did not take. */
  unsent: Buffer | undefined;
}

const STREAM_HEAD =
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const REFUSALS: Record<string, [status: string, body: string]> = {
  limited: ["429 Too Many Requests", '{"error":"rate limit reached"}'],
  unplanned: [
    "403 Forbidden",
    '{"error":"this model requires a subscription, upgrade for access (ref: 719aa922-7fc8-49e7-a0d2-ee013279f741)"}',
  ],
};
const ANSWER = JSON.stringify({
  id: "chatcmpl-bench",
  object: "chat.completion",
  created: 1,
  model: "bench",
  choices: [{ index: 0, message: { role: "assistant", content: "A short answer." }, finish_reason: "stop" }],
  usage: { prompt_tokens: 12, completion_tokens: 4, total_tokens: 16 },
});

const JSON_ANSWER = whole("200 OK", ANSWER);
const MODELS = whole("200 OK", '{"object":"list","data":[{"id":"bench","object":"model"}]}');
const FIRST_EVENT = chunked(event("Hello"));
const LAST_EVENTS = `${chunked(`${event("", "stop")}data: [DONE]\n\n`)}0\r\n\r\n`;
/** A piece of the bulk answer: as many events of the usual size as fill a write. */
const BULK_PIECE = Buffer.from(chunked(event("some words of an answer").repeat(EVENTS_AT_ONCE)));

const askedModels = new Set<string>();

function event(content: string, finish: string | null = null): string {
  const choices = [{ index: 0, delta: content === "" ? {} : { content }, finish_reason: finish }];
  const chunk = {
    id: "chatcmpl-bench",
    object: "chat.completion.chunk",
    created: 1,
    model: "bench",
    choices,
  };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

function whole(status: string, body: string): string {
  return `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

function chunked(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

function answer(socket: Socket<Client>, request: Buffer): void {
  const head = request.toString("latin1", 0, 120);
  const scene = /^[A-Z]+ \/(\w+)/.exec(head)?.[1] ?? "";
  if (head.startsWith("GET")) socket.write(MODELS);
  else if (scene === "small") socket.write(JSON_ANSWER);
  else if (scene === "chunks") playChunks(socket);
  else if (scene === "bulk") playBulk(socket);
  else if (scene === "limited" || scene === "unplanned") refuseOnce(socket, request, scene);
  else playStream(socket);
}

function playStream(socket: Socket<Client>): void {
  socket.write(STREAM_HEAD + FIRST_EVENT);
  setTimeout(() => socket.write(LAST_EVENTS), REST_AFTER_MS);
}

/** Models come in pairs of requests: the first is refused, the second, by whatever key, is served. */
function refuseOnce(socket: Socket<Client>, request: Buffer, scene: string): void {
  const at = request.indexOf('"model":"') + 9;
  const model = request.toString("latin1", at, request.indexOf('"', at));
  const refusal = REFUSALS[scene];
  if (askedModels.delete(model) || refusal === undefined) {
    playStream(socket);
    return;
  }
  askedModels.add(model);
  socket.write(whole(...refusal));
}

let streams = 0;

function playChunks(socket: Socket<Client>): void {
  socket.write(STREAM_HEAD);
  let left = CHUNKS;
  // Spread over the interval, as streams of different people are.
  setTimeout(() => {
    const timer = setInterval(() => {
      left--;
      socket.write(chunked(event(`@${nowMs().toFixed(3)}`)));
      if (left > 0) return;
      clearInterval(timer);
      socket.write(LAST_EVENTS);
    }, CHUNK_EVERY_MS);
  }, streams++ % CHUNK_EVERY_MS);
}

function playBulk(socket: Socket<Client>): void {
  socket.write(STREAM_HEAD);
  socket.data.bulkLeft = BULK_BYTES;
  pour(socket);
}

/** Sends as much as the socket takes; goes on when it has drained. */
function pour(socket: Socket<Client>): void {
  const { data } = socket;
  while (data.bulkLeft > 0 || data.unsent !== undefined) {
    const piece = data.unsent ?? BULK_PIECE;
    if (data.unsent === undefined) data.bulkLeft -= piece.length;
    const sent = Math.max(0, socket.write(piece));
    data.unsent = sent < piece.length ? piece.subarray(sent) : undefined;
    if (data.unsent !== undefined) return;
    if (data.bulkLeft <= 0) socket.write(LAST_EVENTS);
  }
}

function wholeRequest(data: Client): Buffer | undefined {
  const all = data.parts.length === 1 ? data.parts[0] : Buffer.concat(data.parts);
  if (all === undefined) return undefined;
  const headEnd = all.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const length = /content-length: *(\d+)/i.exec(all.toString("latin1", 0, headEnd))?.[1] ?? "0";
  if (all.length < headEnd + 4 + Number(length)) return undefined;
  data.parts = [];
  return all;
}

Bun.listen<Client>({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  socket: {
    open(socket) {
      socket.data = { parts: [], bulkLeft: 0, unsent: undefined };
      socket.setNoDelay(true);
    },
    data(socket, chunk) {
      socket.data.parts.push(Buffer.from(chunk));
      const request = wholeRequest(socket.data);
      if (request !== undefined) answer(socket, request);
    },
    drain: pour,
  },
});
