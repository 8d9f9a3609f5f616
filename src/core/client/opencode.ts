import { repairFinish } from "../dialect/hub-answer.ts";
import { DEFAULT_DIALECT, type Dialect, dialectSpec } from "../dialect/registry.ts";
import { sseText } from "../stream/sse.ts";
import {
  type ClientProfile,
  type ErrorReply,
  firstHeader,
  type HeaderSource,
  type Overflow,
} from "./client-profile.ts";

/**
 * opencode 1 retries if the text of an error, anywhere in the body, looks temporary; even an id that contains 429 is
 * enough. opencode 2 checks codes first, then some of the same words. Our final errors must match none of these
 * patterns.
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

/** Matching one of these patterns starts a compaction. */
const TOO_LONG = [
  /prompt is too long|request_too_large|input is too long|exceeds the context window|maximum context length/i,
  /exceeds the limit of \d+|context[_ ]length[_ ]exceeded|context window exceeds|request entity too large/i,
  /too many tokens|token limit exceeded|reduce the length of the messages|model_context_window_exceeded/i,
  /greater than the context length|prompt too long|context length is only/i,
];

const PLAIN_WORDS: [RegExp, string][] = [
  // A non-breaking hyphen reads the same and matches no pattern.
  [/\brate-limited\b/g, "rate\u2011limited"],
  [/rate[-_ ]limit(?:ed|s)?/gi, "at the limit"],
  [/too[ _]many[ _]requests/gi, "at the limit"],
  [/overloaded|at capacity/gi, "busy"],
  [/try again (?:later|in)/gi, "free in"],
  [/internal server error|server[ _-]error|internal[ _]error/gi, "a failure of the provider"],
  [/service[ _-]unavailable/gi, "not available"],
  [/(connection|request|response|network|stream|read) (?:timeout|timed out|time out)/gi, "no answer in time"],
];

/** Replaces a line whose words would still start a retry. */
const WITHHELD = "  (see: orouter logs)";

/** Replaces a text whose lines would do so together. */
const FALLBACK = "[orouter] The request failed. See why with: orouter logs";

/** A thin space splits a number that a retry pattern would find. */
const HAIR_SPACE = "\u200a";

/** Neither major retries this type and code. */
const FINAL = { type: "invalid_request_error", code: "invalid_prompt" };

/** Both majors retry on this type and code. */
const AGAIN = { type: "server_error", code: "server_error" };

/** Statuses that opencode retries, or misinterprets. */
const MISREAD = new Set([401, 404, 408, 409, 413, 429]);

/** Best first. */
const SESSION_HEADERS = ["x-session-id", "x-session-affinity", "x-opencode-session"];

/** Removes everything that opencode would retry or compact on. */
export function calmText(message: string): string {
  let text = message;
  for (const [pattern, plain] of PLAIN_WORDS) text = text.replace(pattern, plain);
  text = text.replace(/4(?=29)|5(?=0[0234])|5(?=24)/g, (digit) => digit + HAIR_SPACE);
  if (isCalm(text)) return text;
  const calmLines = text.split("\n").map((line) => (isCalm(line) ? line : WITHHELD));
  const calm = calmLines.join("\n");
  return calmLines.length > 1 && isCalm(calm) ? calm : FALLBACK;
}

function isCalm(text: string): boolean {
  return ![...RETRIED, ...TOO_LONG].some((pattern) => pattern.test(text));
}

/** Both majors show a 400 once, and only its message. */
function finalReply(message: string, dialect: Dialect | undefined): ErrorReply {
  const { lastWord = { status: 400, type: FINAL.type }, errorBody } = dialectSpec(dialect ?? DEFAULT_DIALECT);
  return {
    status: lastWord.status,
    headers: { "x-should-retry": "false" },
    body: errorBody({ ...FINAL, type: lastWord.type, message: calmText(message) }),
  };
}

/**
 * opencode compacts on the first overflow and asks again. After the second in a row opencode 1 would do so endlessly.
 */
function overflow({ message, asked, inARow }: Overflow, dialect: Dialect | undefined): ErrorReply {
  if (inARow > 1) {
    const words = `[orouter] The conversation is longer than ${asked} takes, even after it was shortened. Start a new session, or choose a model with a larger window.`;
    return finalReply(words, dialect);
  }
  const words = { message, type: "invalid_request_error", code: "context_length_exceeded" };
  return { status: 400, headers: {}, body: dialectSpec(dialect ?? DEFAULT_DIALECT).errorBody(words) };
}

const BOTH = {
  isAgent: true,
  brokenInARow: 4,
  finalError: ({ message }, dialect) => finalReply(message, dialect),
  overflow,
  passedStatus: (status) => (status >= 500 || MISREAD.has(status) ? 400 : status),
  settleFinish: repairFinish,
  sessionId: (headers: HeaderSource) => firstHeader(headers, SESSION_HEADERS),
} satisfies Partial<ClientProfile>;

/** opencode 1 reads only the message of an error in a chat stream, so the deciding code is JSON within it. */
const OPENCODE1_EVENTS: Partial<Record<Dialect, (message: string, code: string) => string>> = {
  chat: (message, code) => {
    const inner = JSON.stringify({ type: "error", error: { code, message } });
    return sseText({ error: { message: inner, type: "orouter_error" } });
  },
  responses: (message, code) => {
    const error = { type: code, code, message, param: null };
    return sseText({ type: "error", sequence_number: 0, error });
  },
};

function opencode1Event(dialect: Dialect, message: string, words: { type: string; code: string }): string {
  return (
    OPENCODE1_EVENTS[dialect]?.(message, words.code) ?? dialectSpec(dialect).errorEvent({ ...words, message })
  );
}

/** opencode 1.x, measured on 1.18.33. */
export const opencode1: ClientProfile = {
  ...BOTH,
  name: "opencode1",
  askAgainAfterOutput: true,
  finalEvent: (message, dialect) => opencode1Event(dialect, calmText(message), FINAL),
  askAgainEvent: (message, dialect) => opencode1Event(dialect, message, AGAIN),
};

/** opencode 2.x, measured on 2.0.15. After a retry it shows the beginning of the answer again, and exits with 1. */
export const opencode2: ClientProfile = {
  ...BOTH,
  name: "opencode2",
  askAgainAfterOutput: false,
  finalEvent: (message, dialect) => dialectSpec(dialect).errorEvent({ ...FINAL, message: calmText(message) }),
  askAgainEvent: (message, dialect) => dialectSpec(dialect).errorEvent({ ...AGAIN, message }),
};
