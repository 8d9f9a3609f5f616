import type { Dialect } from "../core/dialect/registry.ts";
import type { Call } from "./call.ts";
import {
  chatBody,
  chatEvents,
  responsesBody,
  responsesEvents,
  type StreamEvent,
  wireForm,
} from "./dialects.ts";
import type { Answer, Cut, Encoding, ErrorReply, RawReply, Reply } from "./reply.ts";

/** One action on a connection. `reset`, `close`, `stall` and `end` are always the last. */
export type Step =
  | { do: "wait"; ms: number; keepAliveEveryMs?: number | undefined }
  | Head
  | { do: "send"; bytes: string | Uint8Array }
  | { do: "stall"; keepAliveEveryMs?: number | undefined }
  | { do: "reset" | "close" | "end" };

export interface Head {
  do: "head";
  status: number;
  headers: Record<string, string>;
  encoding?: Encoding;
  splitBytes?: number;
}

export function waitSteps(ms: number | undefined, keepAliveEveryMs?: number): Step[] {
  return ms ? [{ do: "wait", ms, keepAliveEveryMs }] : [];
}

export function bodyHeaders(type: string, body: string): Record<string, string> {
  return { "content-type": type, "content-length": String(Buffer.byteLength(body)) };
}

interface AnswerForm {
  body: (answer: Answer, call: Call) => Record<string, unknown>;
  events: (answer: Answer, call: Call) => StreamEvent[];
  error: (error: Record<string, unknown>) => StreamEvent;
}

const CHAT: AnswerForm = {
  body: chatBody,
  events: chatEvents,
  error: (error) => ({ data: { error }, isToken: false }),
};

const OTHERS: Partial<Record<Dialect, AnswerForm>> = {
  responses: {
    body: responsesBody,
    events: responsesEvents,
    error: (error) => ({ name: "error", data: { type: "error", ...error }, isToken: false }),
  },
};

function formOf({ dialect }: Call): AnswerForm {
  return (dialect === undefined ? undefined : OTHERS[dialect]) ?? CHAT;
}

/** In the dialect of the request, streamed if requested. */
export function answerSteps(answer: Answer, call: Call): Step[] {
  return call.wantsStream ? streamSteps(answer, call) : bodySteps(answer, call);
}

/** Without a stream every wait is before the head, and a fault cuts the body in half. */
function bodySteps(answer: Answer, call: Call): Step[] {
  const whole = JSON.stringify(bodyOf(answer, call));
  const how = answer.cut?.how ?? "end";
  // An error replaces the body and is sent whole.
  const last = how === "error-event" ? "end" : how;
  const isBroken = (answer.cut && how !== "error-event") || answer.badJsonAt !== undefined;
  const sent = isBroken ? whole.slice(0, whole.length / 2) : whole;
  // A broken connection shows as a Content-Length that is never reached; a clean end needs the right length.
  const headers = bodyHeaders("application/json", last === "end" ? sent : whole);
  if (answer.encoding) delete headers["content-length"];
  return [
    ...waitSteps((answer.headAfterMs ?? 0) + (answer.firstTokenAfterMs ?? 0)),
    head(answer, headers),
    { do: "send", bytes: sent },
    { do: last },
  ];
}

function bodyOf(answer: Answer, call: Call): Record<string, unknown> {
  if (answer.cut?.how === "error-event") return { error: errorOf(answer.cut) };
  return formOf(call).body(answer, call);
}

function streamSteps(answer: Answer, call: Call): Step[] {
  const events = formOf(call).events(answer, call);
  const steps: Step[] = [
    ...waitSteps(answer.headAfterMs),
    head(answer, { "content-type": "text/event-stream" }),
  ];
  let tokens = 0;
  for (const [index, event] of withBadEvent(events, answer.badJsonAt).entries()) {
    // The opening event is always sent; a cut after the last token comes before the closing events.
    if (index > 0 && tokens === answer.cut?.afterTokens)
      return [...steps, ...cutSteps(answer.cut, answer, call)];
    if (!event.isToken) {
      steps.push({ do: "send", bytes: wireForm(event, answer.crlf) });
      continue;
    }
    const paceMs = tokens === 0 ? answer.firstTokenAfterMs : answer.chunkEveryMs;
    steps.push(...waitSteps(paceMs, answer.keepAliveEveryMs));
    steps.push({ do: "send", bytes: wireForm(event, answer.crlf) });
    tokens += 1;
    if (tokens === answer.pause?.afterTokens) {
      steps.push(...waitSteps(answer.pause.ms, answer.keepAliveEveryMs));
    }
  }
  return [...steps, { do: "end" }];
}

function cutSteps(cut: Cut, answer: Answer, call: Call): Step[] {
  if (cut.how === "stall") return [{ do: "stall", keepAliveEveryMs: answer.keepAliveEveryMs }];
  if (cut.how !== "error-event") return [{ do: cut.how }];
  const event = formOf(call).error(errorOf(cut));
  return [{ do: "send", bytes: wireForm(event, answer.crlf) }, { do: "end" }];
}

function errorOf(cut: Cut): Record<string, unknown> {
  return cut.error ?? { message: "Worker local total request limit reached (33/32)", code: 502 };
}

function withBadEvent(events: StreamEvent[], at: number | undefined): StreamEvent[] {
  if (at === undefined) return events;
  const bad: StreamEvent = { data: '{"choices":[{"delta":{"content":"half an ev', isToken: false };
  return [...events.slice(0, at - 1), bad, ...events.slice(at - 1)];
}

function head(answer: Answer, headers: Record<string, string>): Head {
  const { encoding, splitBytes } = answer;
  return {
    do: "head",
    status: 200,
    headers: { ...headers, ...(encoding ? { "content-encoding": encoding } : {}), ...answer.headers },
    ...(encoding ? { encoding } : {}),
    ...(splitBytes ? { splitBytes } : {}),
  };
}

/** A pure list of actions; `carryOut` has the time and the sockets. */
export function stepsOf(reply: Reply, call: Call): Step[] {
  switch (reply.kind) {
    case "hang":
      return [{ do: "stall" }];
    case "reset":
      return [{ do: "reset" }];
    case "error":
      return errorSteps(reply);
    case "raw":
      return rawSteps(reply);
    case "models":
      return errorSteps({ kind: "error", status: 200, body: modelList(reply.ids, call) });
    case "answer":
      return answerSteps(reply, call);
  }
}

function errorSteps(reply: ErrorReply): Step[] {
  const isText = typeof reply.body === "string";
  const body = isText ? String(reply.body) : JSON.stringify(reply.body);
  const type = isText ? "text/plain; charset=utf-8" : "application/json";
  return [
    ...waitSteps(reply.afterMs),
    { do: "head", status: reply.status, headers: { ...bodyHeaders(type, body), ...reply.headers } },
    { do: "send", bytes: body },
    { do: "end" },
  ];
}

function rawSteps(reply: RawReply): Step[] {
  return [
    { do: "head", status: reply.status, headers: reply.headers ?? {} },
    ...reply.chunks.flatMap((bytes, index): Step[] => [
      ...waitSteps(index === 0 ? 0 : reply.chunkEveryMs),
      { do: "send", bytes },
    ]),
    { do: reply.end ?? "end" },
  ];
}

function modelList(ids: string[], call: Call): Record<string, unknown> {
  const created = Math.floor(call.atMs / 1000);
  return { object: "list", data: ids.map((id) => ({ id, object: "model", created, owned_by: "library" })) };
}
