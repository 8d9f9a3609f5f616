import type { Call } from "./call.ts";
import type { Answer, ErrorReply } from "./reply.ts";

/** Ollama ends most of its refusals with a reference of this form. */
const REF = "(ref: 0d5c0ffe-ba5e-4ace-8dad-decafc0ffee0)";

/** Quick enough to wait for, slow enough to be seen arriving. */
const READING_PACE_MS = 10;

/** A good answer at a pace a person can watch, or a short title where that is what opencode asked for. */
export function answer(call: Call, text: string, faults: Partial<Answer> = {}): Answer {
  if (call.isTitle) return { kind: "answer", text: "A friendly hello" };
  return { kind: "answer", text, chunkEveryMs: READING_PACE_MS, ...faults };
}

/** A short answer that tells who gave it, and what failed before. */
export function hello(call: Call): Answer {
  const who = `Hello! This is ${call.model}, reached with the key "${call.keyName}".`;
  const before = call.failures.map((f) => `"${f.keyName}" on ${f.model} (${f.what})`);
  if (before.length === 0) return answer(call, `${who} Nothing had to be tried twice.`);
  return answer(
    call,
    `${who} Tried before, without luck: ${before.join(", ")}. You did not have to do a thing.`,
  );
}

/** A key that Ollama does not know. */
export function unauthorized(): ErrorReply {
  return { kind: "error", status: 401, body: { error: "unauthorized" } };
}

/** Ollama's older words for a model that the key's plan lacks. */
export function subscriptionRequired(): ErrorReply {
  const error = `this model requires a subscription, upgrade for access: https://ollama.com/upgrade ${REF}`;
  return { kind: "error", status: 403, body: { error }, label: "subscription required" };
}

/** The newer words for the same, since September 2026. */
export function notInFreeUsage(): ErrorReply {
  const error =
    "this model is not included in your free usage, add usage credits to pay as you go: " +
    "https://ollama.com/settings or upgrade for included usage: https://ollama.com/upgrade";
  return { kind: "error", status: 402, body: { error }, label: "not in the free plan" };
}

/** The key's window is used up; Ollama names no end. */
export function usageLimit(window: "session" | "weekly" | "monthly"): ErrorReply {
  const error =
    `you (demo) have reached your ${window} usage limit, ` +
    `upgrade for higher limits: https://ollama.com/upgrade ${REF}`;
  return { kind: "error", status: 429, body: { error }, label: `${window} limit reached` };
}

/** One call too many at a time: seconds, not hours. */
export function tooManyConcurrent(): ErrorReply {
  const error = "too many concurrent requests";
  return { kind: "error", status: 429, body: { error }, label: error };
}

/** A plain rate limit, with the hint most providers give and some do not. */
export function rateLimited(retryAfterSeconds?: number): ErrorReply {
  return {
    ...openaiError(429, "Rate limit reached for requests", "rate_limit_error", "rate_limit_exceeded"),
    ...(retryAfterSeconds === undefined ? {} : { headers: { "retry-after": String(retryAfterSeconds) } }),
    label: retryAfterSeconds === undefined ? "rate limit" : `rate limit, ${retryAfterSeconds} s`,
  };
}

/** A model with more callers than it can serve, in Ollama's words. */
export function overloaded(): ErrorReply {
  const error = `Server overloaded, please retry shortly ${REF}`;
  return { kind: "error", status: 503, body: { error }, label: "overloaded" };
}

/** A fault inside the provider. */
export function internalError(): ErrorReply {
  return { kind: "error", status: 500, body: { error: `Internal Server Error ${REF}` } };
}

/** The conversation is longer than the model's window. */
export function contextOverflow(): ErrorReply {
  const message = "This model's maximum context length is 8192 tokens.";
  const reply = openaiError(400, message, "invalid_request_error", "context_length_exceeded");
  return { ...reply, label: "context too long" };
}

/** The provider will not answer this request, whoever asks. */
export function contentPolicy(): ErrorReply {
  const message = "Your request was rejected as a result of our safety system.";
  const reply = openaiError(400, message, "invalid_request_error", "content_policy_violation");
  return { ...reply, label: "content policy" };
}

/** A model that will not go on from half an answer. */
export function prefillRefused(): ErrorReply {
  const message = "This model does not support assistant message prefill.";
  const reply = openaiError(400, message, "invalid_request_error", "invalid_prefill");
  return { ...reply, label: "prefill refused" };
}

/** A model nobody has. */
export function modelMissing(model: string): ErrorReply {
  return { ...openaiError(404, `model "${model}" not found`, "not_found_error"), label: "model not found" };
}

/** A path that is not part of the API. */
export function pathMissing(path: string): ErrorReply {
  return openaiError(404, `Invalid URL (${path})`, "invalid_request_error");
}

/** The scene itself threw: said plainly, so that whoever writes it sees why. */
export function scriptFailed(error: unknown): ErrorReply {
  const message = `The scene failed: ${error instanceof Error ? error.message : String(error)}`;
  return { ...openaiError(500, message, "api_error"), label: "the scene failed" };
}

/** OpenAI's envelope around any words. */
export function openaiError(
  status: number,
  message: string,
  type: string,
  code: string | null = null,
): ErrorReply {
  return { kind: "error", status, body: { error: { message, type, param: null, code } } };
}
