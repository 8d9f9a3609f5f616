import type { Dialect } from "./route.ts";

/**
 * opencode retries an error when its text, anywhere in the body, looks like a passing one: it even looks for bare
 * digits, so an id that contains 429 is enough. These are its patterns; our final words must match none of them.
 */
const RETRIED = [
  /429|500|502|503|504|524/,
  /rate increased too quickly|rate[-_ ]limit|too[ _]many[ _]requests/i,
  /overloaded|service[ _-]unavailable|internal[ _]error|internal server error|server[ _-]error/i,
  /provider[ _-]returned[ _-]error|terminated|fetch failed|failed to fetch|network[-_\s]error|upstream connect/i,
  /connection (?:error|refused|lost)|socket connection was closed|socket hang up|reset before headers/i,
  /getaddrinfo|enotfound|eai_again|econnrefused|econnreset|etimedout/i,
  /^timeout$|\b(?:request|response|connection|network|stream|read) (?:timeout|timed out|time out)\b/i,
  /try your request again|retry your request|resource[ _]exhausted/i,
  /\btry again (?:later|in\b)|\b(?:currently|temporarily) at capacity\b/i,
];

/** Its patterns for a conversation that is too long; matching one starts a compaction. */
const TOO_LONG = [
  /prompt is too long|request_too_large|input is too long|exceeds the context window|maximum context length/i,
  /exceeds the limit of \d+|context[_ ]length[_ ]exceeded|context window exceeds|request entity too large/i,
  /too many tokens|token limit exceeded|reduce the length of the messages|model_context_window_exceeded/i,
  /greater than the context length|prompt too long|context length is only/i,
];

const PLAIN_WORDS: [RegExp, string][] = [
  [/rate[-_ ]limit(?:ed|s)?/gi, "at the limit"],
  [/too[ _]many[ _]requests/gi, "at the limit"],
  [/overloaded|at capacity/gi, "busy"],
  [/try again (?:later|in)/gi, "free in"],
  [/internal server error|server[ _-]error|internal[ _]error/gi, "a failure of the provider"],
  [/service[ _-]unavailable/gi, "not available"],
  [/(connection|request|response|network|stream|read) (?:timeout|timed out|time out)/gi, "no answer in time"],
];

/** What is said when even plain words would start a retry. */
const FALLBACK = "[orouter] ALL KEYS EXHAUSTED. See why with: orouter status";

/** A thin space that splits a number a retry pattern would find, and that no reader notices. */
const HAIR_SPACE = "\u200a";

/** The type and code of an error that is orouter's last word. */
export interface FinalError {
  error: { message: string; type: "orouter_error"; code: string };
}

/** The words of a final error, kept clear of everything that opencode would retry or compact on. */
export function calmText(message: string): string {
  let text = message;
  for (const [pattern, plain] of PLAIN_WORDS) text = text.replace(pattern, plain);
  text = text.replace(/4(?=29)|5(?=0[0234])|5(?=24)/g, (digit) => digit + HAIR_SPACE);
  return [...RETRIED, ...TOO_LONG].some((pattern) => pattern.test(text)) ? FALLBACK : text;
}

/** The body of the one error that opencode shows once and does not retry. */
export function finalError(message: string, code = "all_keys_exhausted"): FinalError {
  return { error: { message: calmText(message), type: "orouter_error", code } };
}

/** The same after bytes have gone to the client, as an event in the stream. */
export function finalEvent(dialect: Dialect, message: string): string {
  return errorEvent(dialect, "invalid_prompt", calmText(message));
}

/** An event on which opencode sends the whole request again, about two seconds later. */
export function retryEvent(dialect: Dialect, message: string): string {
  return errorEvent(dialect, "server_error", message);
}

/** Of an error in a chat stream opencode sees only the message, so what it goes by is JSON in there. */
function errorEvent(dialect: Dialect, code: string, message: string): string {
  if (dialect === "responses") {
    const error = { type: code, code, message, param: null };
    return `event: error\ndata: ${JSON.stringify({ type: "error", sequence_number: 0, error })}\n\n`;
  }
  const inner = JSON.stringify({ type: "error", error: { code, message } });
  return `data: ${JSON.stringify({ error: { message: inner, type: "orouter_error" } })}\n\n`;
}
