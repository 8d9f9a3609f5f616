import { gzipSync } from "node:zlib";
import { type Answer, DIALECTS, type Piece, streamOf } from "./answer.ts";
import type { Conversation } from "./conversation.ts";

/** One thing to do on a connection. `reset`, `close`, `hang` and `end` are always the last. */
export type Action =
  | { do: "raw"; text: string }
  /** One chunk of a chunked body. */
  | { do: "chunk"; data: string | Uint8Array }
  | { do: "wait"; ms: number }
  /** Silence until the caller leaves, or for so long that no router should wait for it. */
  | { do: "hang"; keepAlive: boolean }
  | { do: "end" | "reset" | "close" };

/** What one call gets, and how the judge counts it. */
export interface Reply {
  /** For logs: "good", "refused: 401 key", "reset in text". */
  label: string;
  kind: "good" | "fault" | "refusal";
  actions: Action[];
}

/** What a reply is made from. */
export interface Exchange {
  conversation: Conversation;
  answer: Answer;
  /** A number from 0 up to 1 that this call always gets for this word. */
  roll: (word: string) => number;
}

/** Close to how services send: slow enough that a client sees a break in the middle. */
const PACE_MS = 2;
/** A long answer does not take longer for it. */
const PACED_PIECES = 40;

export function streamHead(contentType = "text/event-stream", more: readonly string[] = []): Action {
  const type = contentType === "" ? [] : [`content-type: ${contentType}`];
  const lines = [
    "HTTP/1.1 200 OK",
    ...type,
    "cache-control: no-cache",
    "transfer-encoding: chunked",
    ...more,
  ];
  return { do: "raw", text: `${lines.join("\r\n")}\r\n\r\n` };
}

/** A whole reply with a length. */
export function wholeReply(
  status: number,
  body: string,
  contentType = "application/json",
  more: readonly string[] = [],
): Action[] {
  const type = contentType === "" ? [] : [`content-type: ${contentType}`];
  const lines = [`HTTP/1.1 ${status} Chaos`, ...type, `content-length: ${Buffer.byteLength(body)}`, ...more];
  return [{ do: "raw", text: `${lines.join("\r\n")}\r\n\r\n${body}` }];
}

export function jsonReply(status: number, body: unknown, more: readonly string[] = []): Action[] {
  return wholeReply(status, JSON.stringify(body), "application/json", more);
}

/** The pieces one by one, at the pace of a service. */
export function paced(pieces: readonly Piece[], paceMs = PACE_MS): Action[] {
  return pieces.flatMap(({ wire }, nth): Action[] =>
    nth < PACED_PIECES
      ? [
          { do: "chunk", data: wire },
          { do: "wait", ms: paceMs },
        ]
      : [{ do: "chunk", data: wire }],
  );
}

/** The answer as it should be. */
export function goodReply({ conversation, answer }: Pick<Exchange, "conversation" | "answer">): Reply {
  const actions: Action[] = conversation.wantsStream
    ? [streamHead(), ...paced(streamOf(answer, conversation)), { do: "end" }]
    : jsonReply(200, DIALECTS[conversation.dialect].whole(answer));
  return { label: "good", kind: "good", actions };
}

/** Ways of sending a good answer that a client must take as one. */
type Oddity = (exchange: Exchange) => Action[];

function sse(exchange: Exchange, finish?: string | null): string {
  return streamOf(exchange.answer, exchange.conversation, finish)
    .map(({ wire }) => wire)
    .join("");
}

/** In pieces of a few bytes, which split events and UTF-8 characters, then the rest in larger ones. */
function crumbs(text: string, size: number): Action[] {
  const bytes = Buffer.from(text);
  const small = Math.min(bytes.length, 400 * size);
  const actions: Action[] = [];
  for (let at = 0; at < small; at += size) actions.push({ do: "chunk", data: bytes.subarray(at, at + size) });
  for (let at = small; at < bytes.length; at += 997)
    actions.push({ do: "chunk", data: bytes.subarray(at, at + 997) });
  return actions;
}

export const ODDITIES: Record<string, Oddity> = {
  "byte by byte": (exchange) => [streamHead(), ...crumbs(sse(exchange), 1), { do: "end" }],
  "three bytes at a time": (exchange) => [streamHead(), ...crumbs(sse(exchange), 3), { do: "end" }],
  "all in one chunk": (exchange) => [streamHead(), { do: "chunk", data: sse(exchange) }, { do: "end" }],
  gzip: (exchange) => {
    const bytes = gzipSync(sse(exchange));
    const half = Math.floor(bytes.length / 2);
    return [
      streamHead("text/event-stream", ["content-encoding: gzip"]),
      { do: "chunk", data: bytes.subarray(0, half) },
      { do: "wait", ms: 5 },
      { do: "chunk", data: bytes.subarray(half) },
      { do: "end" },
    ];
  },
  "CRLF between events": (exchange) => [
    streamHead(),
    { do: "chunk", data: sse(exchange).replaceAll("\n", "\r\n") },
    { do: "end" },
  ],
  "stream called application/json": (exchange) => [
    streamHead("application/json"),
    ...paced(streamOf(exchange.answer, exchange.conversation)),
    { do: "end" },
  ],
  "stream called text/plain": (exchange) => [
    streamHead("text/plain; charset=utf-8"),
    ...paced(streamOf(exchange.answer, exchange.conversation)),
    { do: "end" },
  ],
  "stream without a content type": (exchange) => [
    streamHead(""),
    ...paced(streamOf(exchange.answer, exchange.conversation)),
    { do: "end" },
  ],
  "stream with a length": (exchange) => wholeReply(200, sse(exchange), "text/event-stream"),
  "stream that ends with its connection": (exchange) => [
    { do: "raw", text: "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" },
    { do: "raw", text: sse(exchange) },
    { do: "close" },
  ],
  "keep-alives first": (exchange) => [
    streamHead(),
    ...Array.from({ length: 4 }).flatMap((): Action[] => [
      { do: "chunk", data: ": keep-alive\n\n" },
      { do: "wait", ms: 150 },
    ]),
    ...paced(streamOf(exchange.answer, exchange.conversation)),
    { do: "end" },
  ],
  "a trickle": (exchange) => [
    streamHead(),
    ...paced(streamOf(exchange.answer, exchange.conversation), 40),
    { do: "end" },
  ],
  "a slow first token": (exchange) => [
    streamHead(),
    { do: "wait", ms: 900 },
    ...paced(streamOf(exchange.answer, exchange.conversation)),
    { do: "end" },
  ],
  "no end mark": (exchange) => [
    streamHead(),
    ...paced(streamOf(exchange.answer, exchange.conversation).filter(({ mark }) => mark !== "end")),
    { do: "end" },
  ],
  "a whole completion in place of a stream": (exchange) =>
    jsonReply(200, DIALECTS[exchange.conversation.dialect].whole(exchange.answer)),
};
