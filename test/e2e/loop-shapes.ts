import type { Call } from "../../src/demo/call.ts";
import {
  type Answer,
  contextOverflow,
  openaiError,
  overloaded,
  type RawReply,
  type Reply,
  rateLimited,
} from "../../src/demo/reply.ts";

/** The text of every complete answer of these runs, and the beginning of a broken one. */
export const WORDS = "One two three four five six seven eight.";

/** A kind of reply that plain opencode requests again without end, or is confused by. */
export interface Shape {
  name: string;
  reply: Reply;
}

/** Broken before the first word: a retry loses nothing. */
export const HEADLESS: readonly Shape[] = [
  { name: "a stream that ends at once, without a finish_reason", reply: events() },
  { name: "a stream that only says [DONE]", reply: events("[DONE]") },
  { name: "a stream that opens with its role and ends", reply: events(delta({ role: "assistant" })) },
  { name: "finish_reason error and no word", reply: events(delta({}, "error"), "[DONE]") },
  {
    name: "finish_reason tool_calls without a call or a word",
    reply: events(delta({}, "tool_calls"), "[DONE]"),
  },
  { name: "an empty 200", reply: body("text/html", "") },
  {
    name: "a web page in place of a stream",
    reply: body("text/html", "<!doctype html><title>Sign in</title>"),
  },
  {
    name: "a JSON error in a 200",
    reply: body("application/json", JSON.stringify({ error: { message: "upstream exploded", code: 500 } })),
  },
  {
    name: "an error event of a server as the first",
    reply: events({ error: { message: "upstream exploded", type: "server_error", code: 500 } }),
  },
  {
    name: "an error event without a word that says what to do",
    reply: events({ error: { message: "all used up" } }),
  },
  { name: "an error event that is only a string", reply: events({ error: "stream failed" }) },
  {
    name: "events that are no JSON",
    reply: raw("text/event-stream", ['data: {"choices":[{"del\n\n', "data: [DONE]\n\n"]),
  },
];

/** Unusual, but an answer: one call is enough. */
export const GOOD_ENOUGH: readonly Shape[] = [
  { name: "a finish_reason that nobody knows", reply: says({ finishReason: "banana" }) },
  { name: "finish_reason tool_calls behind words alone", reply: says({ finishReason: "tool_calls" }) },
  { name: "an answer without [DONE]", reply: says({ omitDone: true }) },
  { name: "an event in the middle that is no JSON", reply: says({ badJsonAt: 4 }) },
  { name: "a whole completion where a stream was asked for", reply: body("application/json", completion()) },
];

/** Broken after the first words: what was shown cannot be taken back. */
export const BROKEN: readonly Shape[] = [
  { name: "words, then [DONE] without a finish_reason", reply: says({ finishReason: null }) },
  { name: "words, then the end", reply: says({ finishReason: null, omitDone: true }) },
  { name: "words, then finish_reason error", reply: says({ finishReason: "error" }) },
  {
    name: "words, then an error event of a server",
    reply: says({
      cut: { afterTokens: 4, how: "error-event", error: { message: "upstream exploded", code: 500 } },
    }),
  },
  {
    name: "words, then an error event that is only a string",
    reply: { ...events(delta({ content: "One two " }), { error: "stream failed" }), chunkEveryMs: 50 },
  },
];

/** The conversation is permanently too long; the compaction itself is always answered. */
export const TOO_LONG: readonly Shape[] = [
  { name: "context_length_exceeded for ever", reply: contextOverflow() },
  { name: "413 for ever", reply: openaiError(413, "Request Entity Too Large", "invalid_request_error") },
];

/** A wait that is too long to sit out. */
export const HOUR_LONG: Shape = { name: "429 with an hour to wait", reply: rateLimited(3600) };

/** The provider blames the model, not the key: it is asked again after growing pauses. */
export const OVERLOADED: Shape = { name: "503 for ever", reply: overloaded() };

/** Answers everything except the prompt itself: titles, and the summary of a compaction. */
export function good(call: Call): Answer {
  return { kind: "answer", text: call.isTitle ? "A title" : WORDS };
}

/** Word by word, so that the client has some of them before the fault. */
function says(faults: Partial<Answer>): Answer {
  return { kind: "answer", text: WORDS, chunkEveryMs: 15, ...faults };
}

function delta(of: Record<string, unknown>, finish: string | null = null): Record<string, unknown> {
  return {
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta: of, finish_reason: finish }],
  };
}

function completion(): string {
  const message = { role: "assistant", content: WORDS };
  return JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion",
    choices: [{ index: 0, message, finish_reason: "stop" }],
    usage: { prompt_tokens: 1, completion_tokens: 8, total_tokens: 9 },
  });
}

function events(...of: (Record<string, unknown> | string)[]): RawReply {
  const chunks = of.map((one) => `data: ${typeof one === "string" ? one : JSON.stringify(one)}\n\n`);
  return raw("text/event-stream", chunks);
}

function body(type: string, text: string): Reply {
  return raw(type, text === "" ? [] : [text]);
}

function raw(type: string, chunks: string[]): RawReply {
  return { kind: "raw", status: 200, headers: { "content-type": type }, chunks };
}
