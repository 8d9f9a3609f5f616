import { HeaderFields } from "../core/http/reply-headers.ts";
import { hollowBody } from "../core/stream/choice-book.ts";
import { completionEvents } from "../core/stream/completion-events.ts";
import { ownVerdict } from "../core/verdict/failure.ts";
import { AnswerTooLong } from "./answer-too-long.ts";
import { askedOf, noteFlaw } from "./asked.ts";
import type { AttemptOutcome, Call, ErrorReply } from "./attempt-outcome.ts";
import { judgeReply, noAnswer } from "./judge-reply.ts";
import { type ModelRequest, wantsStream } from "./model-request.ts";
import { openStream } from "./open-stream.ts";
import type { ByteReader, Reply } from "./reply.ts";

const decoder = new TextDecoder();

/**
 * A reply that does not call itself a stream: JSON in one piece, a page, or a stream under another name, which is told
 * by its first bytes so that it is not held until its end.
 */
export async function readBody(
  response: Reply,
  reader: ByteReader | undefined,
  call: Call,
): Promise<AttemptOutcome> {
  const isStreamWanted = wantsStream(call.options.request);
  const maxBytes = call.options.answerBytes;
  const parts: Uint8Array[] = [];
  let bytes = 0;
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.length;
    if (bytes > maxBytes) throw new AnswerTooLong(maxBytes);
    parts.push(value);
    if (isStreamWanted && parts.length === 1 && looksLikeEvents(decoder.decode(value)))
      return openStream(asEvents(response), replay(value, reader), call);
  }
  return wholeBody(response, Buffer.concat(parts), call);
}

/**
 * A body that nobody expects to be a stream: it is taken in one piece, which costs less than reading it bit by bit,
 * where its length is known. A packed body says nothing of its own.
 */
export async function readWhole(response: Reply, call: Call): Promise<AttemptOutcome> {
  const { body, headers } = response;
  const announced = Number(headers.get("content-length") ?? Number.NaN);
  const isKnown = announced <= call.options.answerBytes && !headers.has("content-encoding");
  if (!isKnown || body === undefined) return readBody(response, body, call);
  return wholeBody(response, await body.bytes(), call);
}

function wholeBody(
  response: Reply,
  body: Uint8Array<ArrayBuffer>,
  call: Call,
): AttemptOutcome | Promise<AttemptOutcome> {
  const { request } = call.options;
  const { status, headers } = response;
  const reply = { status, headers, body: decoder.decode(body) };
  const verdict = judgeReply(reply, call.options, true);
  if (verdict !== undefined) return { kind: "refused", verdict, reply };
  if (!wantsStream(request)) return hollowIn(reply, request) ?? { kind: "body", status, headers, body };
  const events = request.dialect === "chat" ? completionEvents(parseJson(reply.body)) : undefined;
  if (events === undefined) return noAnswer(response, "the answer was no stream, and no completion either");
  return openStream(asEvents(response), replay(new TextEncoder().encode(events)), call);
}

/** The refusal of an answer in one piece that says nothing. */
function hollowIn(reply: ErrorReply, request: ModelRequest): AttemptOutcome | undefined {
  const why = request.dialect === undefined ? undefined : hollowBody(request.dialect, reply.body);
  if (why === undefined || askedOf(request).mayBeEmpty()) return undefined;
  noteFlaw(request, "hollow");
  return { kind: "refused", verdict: ownVerdict.hollow(why), reply };
}

function asEvents({ status, headers }: Reply): Reply {
  const fields = { ...Object.fromEntries(headers), "content-type": "text/event-stream" };
  return { status, headers: new HeaderFields(fields), body: undefined };
}

/** A reader that first gives back what was already read. */
function replay(first: Uint8Array, reader?: ByteReader): ByteReader {
  let isFirst = true;
  return {
    read: async () => {
      if (!isFirst) return (await reader?.read()) ?? { done: true, value: undefined };
      isFirst = false;
      return { done: false, value: first };
    },
    cancel: async (reason) => reader?.cancel(reason),
  };
}

function looksLikeEvents(text: string): boolean {
  return /^\s*(?:data|event|id|retry)?:/.test(text);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
