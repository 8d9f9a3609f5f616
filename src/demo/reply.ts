import { STATUS_CODES } from "node:http";
import { counted } from "../core/text.ts";
import { type Call, tokensOf } from "./call.ts";

/** `arguments` is JSON text, sent in pieces. */
export interface ToolCall {
  name: string;
  arguments: string;
  id?: string;
}

/** How an answer breaks off. `close` is a FIN inside the body, `end` a clean end without the closing event. */
export interface Cut {
  afterTokens: number;
  how: "reset" | "close" | "stall" | "end" | "error-event";
  /** The content of the error event; only for `error-event`. */
  error?: Record<string, unknown>;
}

/** Used regardless of the request's Accept-Encoding. */
export type Encoding = "gzip" | "br" | "zstd";

export interface Answer {
  kind: "answer";
  /** A string is split into words; a list is sent as the given tokens. */
  text: string | string[];
  reasoning?: string | string[];
  toolCalls?: ToolCall[];
  headers?: Record<string, string>;
  /** Silence before the head. */
  headAfterMs?: number;
  /** Silence after the head, before the first token. Without a stream, the wait is before the head. */
  firstTokenAfterMs?: number;
  chunkEveryMs?: number;
  /** One long silence inside the stream. */
  pause?: { afterTokens: number; ms: number };
  /** The interval of comment lines while the stream is silent. */
  keepAliveEveryMs?: number;
  cut?: Cut;
  /** Inserts an event that is not JSON at this position, from 1; no token is lost. */
  badJsonAt?: number;
  /** Leave out `[DONE]`, which only the chat dialect has. */
  omitDone?: boolean;
  /** May be an unknown word; null sends none. */
  finishReason?: string | null;
  /** Null sends none, even if the request asked for it. */
  usage?: { input: number; output: number } | null;
  /** Each event is flushed through the compression. */
  encoding?: Encoding;
  crlf?: boolean;
  /** Write the body in pieces of this many bytes. */
  splitBytes?: number;
}

/** A refusal, or any other single body: an object becomes JSON, a string is sent as it is. */
export interface ErrorReply {
  kind: "error";
  status: number;
  body: unknown;
  headers?: Record<string, string>;
  afterMs?: number;
  /** A short description for the story, e.g. "weekly limit reached". */
  label?: string;
}

/** Arbitrary bytes, for what the other kinds cannot express. */
export interface RawReply {
  kind: "raw";
  status: number;
  headers?: Record<string, string>;
  chunks: (string | Uint8Array)[];
  chunkEveryMs?: number;
  /** How the body ends; cleanly by default. */
  end?: "end" | "reset" | "close" | "stall";
}

export type Reply =
  | Answer
  | ErrorReply
  | RawReply
  | { kind: "models"; ids: string[] }
  | { kind: "hang" }
  | { kind: "reset" };

/** Ollama ends most of its refusals with such a reference. */
const REF = "(ref: 0d5c0ffe-ba5e-4ace-8dad-decafc0ffee0)";

/** Quick enough to wait for, slow enough to see it arrive. */
const READING_PACE_MS = 10;

/** At a pace that can be watched; answers opencode's title request with a short title. */
export function answer(call: Call, text: string, faults: Partial<Answer> = {}): Answer {
  if (call.isTitle) return { kind: "answer", text: "A friendly hello" };
  return { kind: "answer", text, chunkEveryMs: READING_PACE_MS, ...faults };
}

/** A short answer that names its key, and what failed before. */
export function hello(call: Call): Answer {
  const who = `Hello! This is ${call.model}, reached with the key "${call.keyName}".`;
  const before = call.failures.map((f) => `"${f.keyName}" on ${f.model} (${f.what})`);
  if (before.length === 0) return answer(call, `${who} Nothing had to be tried twice.`);
  return answer(call, `${who} Failed before: ${before.join(", ")}. You did not have to do anything.`);
}

export function unauthorized(): ErrorReply {
  return { kind: "error", status: 401, body: { error: "unauthorized" } };
}

/** Ollama's older text for a model outside the key's plan. */
export function subscriptionRequired(): ErrorReply {
  const error = `this model requires a subscription, upgrade for access: https://ollama.com/upgrade ${REF}`;
  return { kind: "error", status: 403, body: { error }, label: "subscription required" };
}

/** The newer text for the same, since September 2026. */
export function notInFreeUsage(): ErrorReply {
  const error =
    "this model is not included in your free usage, add usage credits to pay as you go: " +
    "https://ollama.com/settings or upgrade for included usage: https://ollama.com/upgrade";
  return { kind: "error", status: 402, body: { error }, label: "not in the free plan" };
}

/** Ollama does not say when the window ends. */
export function usageLimit(window: "session" | "weekly" | "monthly"): ErrorReply {
  const error =
    `you (demo) have reached your ${window} usage limit, ` +
    `upgrade for higher limits: https://ollama.com/upgrade ${REF}`;
  return { kind: "error", status: 429, body: { error }, label: `${window} limit reached` };
}

/** Too many parallel requests: lasts seconds, not hours. */
export function tooManyConcurrent(): ErrorReply {
  const error = "too many concurrent requests";
  return { kind: "error", status: 429, body: { error }, label: error };
}

/** With a Retry-After header, which some providers leave out. */
export function rateLimited(retryAfterSeconds?: number): ErrorReply {
  return {
    ...openaiError(429, "Rate limit reached for requests", "rate_limit_error", "rate_limit_exceeded"),
    ...(retryAfterSeconds === undefined ? {} : { headers: { "retry-after": String(retryAfterSeconds) } }),
    label: retryAfterSeconds === undefined ? "rate limit" : `rate limit, ${retryAfterSeconds} s`,
  };
}

/** Ollama's text for a model with too many callers. */
export function overloaded(): ErrorReply {
  const error = `Server overloaded, please retry shortly ${REF}`;
  return { kind: "error", status: 503, body: { error }, label: "overloaded" };
}

export function internalError(): ErrorReply {
  return { kind: "error", status: 500, body: { error: `Internal Server Error ${REF}` } };
}

export function contextOverflow(): ErrorReply {
  const message = "This model's maximum context length is 8192 tokens.";
  const reply = openaiError(400, message, "invalid_request_error", "context_length_exceeded");
  return { ...reply, label: "context too long" };
}

/** Every key gets the same refusal. */
export function contentPolicy(): ErrorReply {
  const message = "Your request was rejected as a result of our safety system.";
  const reply = openaiError(400, message, "invalid_request_error", "content_policy_violation");
  return { ...reply, label: "content policy" };
}

/** A model that does not accept a prefill. */
export function prefillRefused(): ErrorReply {
  const message = "This model does not support assistant message prefill.";
  const reply = openaiError(400, message, "invalid_request_error", "invalid_prefill");
  return { ...reply, label: "prefill refused" };
}

/** A model that no provider has. */
export function modelMissing(model: string): ErrorReply {
  return { ...openaiError(404, `model "${model}" not found`, "not_found_error"), label: "model not found" };
}

/** A path outside the API. */
export function pathMissing(path: string): ErrorReply {
  return openaiError(404, `Invalid URL (${path})`, "invalid_request_error");
}

/** The scene itself threw; show why to its author. */
export function scriptFailed(error: unknown): ErrorReply {
  const message = `The scene failed: ${error instanceof Error ? error.message : String(error)}`;
  return { ...openaiError(500, message, "api_error"), label: "the scene failed" };
}

/** OpenAI's error envelope. */
export function openaiError(
  status: number,
  message: string,
  type: string,
  code: string | null = null,
): ErrorReply {
  return { kind: "error", status, body: { error: { message, type, param: null, code } } };
}

/** A summary of a reply, and whether it is a complete answer. */
export interface Outcome {
  isWhole: boolean;
  what: string;
}

/** Used by the story on the terminal and by the answers that tell it. */
export function outcomeOf(reply: Reply): Outcome {
  switch (reply.kind) {
    case "answer":
      return answerOutcome(reply);
    case "error":
      return {
        isWhole: false,
        what: `${reply.status} ${reply.label ?? STATUS_CODES[reply.status]?.toLowerCase() ?? "no good"}`,
      };
    case "raw":
      return { isWhole: false, what: `${reply.status} odd body` };
    case "models":
      return { isWhole: true, what: `200 ${reply.ids.length} models` };
    case "hang":
      return { isWhole: false, what: "silence" };
    case "reset":
      return { isWhole: false, what: "connection reset" };
  }
}

const CUT_WORDS = {
  reset: "connection reset",
  close: "connection closed",
  stall: "silence",
  end: "early end",
  "error-event": "error event",
} as const;

function answerOutcome(answer: Answer): Outcome {
  if (answer.cut) {
    const { how, afterTokens } = answer.cut;
    return { isWhole: false, what: `200, then ${CUT_WORDS[how]} after ${counted(afterTokens, "token")}` };
  }
  const tools = answer.toolCalls?.map((tool) => `call of ${tool.name}`) ?? [];
  const said =
    tools.length > 0 ? tools.join(", ") : `answer of ${counted(tokensOf(answer.text).length, "token")}`;
  return { isWhole: true, what: `200 ${said}` };
}
