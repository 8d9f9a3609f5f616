import type { ErrorWords } from "../dialect/dialect-spec.ts";
import { standardFinish } from "../dialect/hub-answer.ts";
import { DEFAULT_DIALECT, type Dialect, dialectSpec } from "../dialect/registry.ts";
import { type ClientProfile, type ErrorReply, type FinalFailure, firstHeader } from "./client-profile.ts";

/** The session headers of the clients that have one, best first: opencode and Kilo, Claude Code, Codex. */
const SESSION_HEADERS = [
  "x-session-id",
  "x-session-affinity",
  "x-opencode-session",
  "x-claude-code-session-id",
  "session-id",
  "thread-id",
  "session_id",
  "conversation_id",
];

const FORMS: Record<
  Exclude<FinalFailure["why"], "exhausted" | "not-routable">,
  [status: number, type: string, code: string | null]
> = {
  refused: [400, "invalid_request_error", null],
  "too-many-open": [503, "server_error", "too_many_open"],
  bug: [500, "server_error", "orouter_bug"],
};

/** Any unknown client: plain HTTP. It may retry by itself, so the status says whether that helps, and when. */
export const neutral: ClientProfile = {
  name: "neutral",
  isAgent: false,
  brokenInARow: 4,
  askAgainAfterOutput: false,
  finalError,
  overflow: ({ message }, dialect) =>
    reply(400, { message, type: "invalid_request_error", code: "context_length_exceeded" }, dialect),
  passedStatus: (status) => status,
  finalEvent: (message, dialect) =>
    dialectSpec(dialect).errorEvent({ message, type: "invalid_request_error", code: "answer_broken" }),
  askAgainEvent: (message, dialect) =>
    dialectSpec(dialect).errorEvent({ message, type: "server_error", code: "server_error" }),
  settleFinish: standardFinish,
  sessionId: (headers) => firstHeader(headers, SESSION_HEADERS),
};

function finalError(failure: FinalFailure, dialect: Dialect | undefined): ErrorReply {
  const { message } = failure;
  if (failure.why === "not-routable")
    return reply(failure.status, { message, type: "invalid_request_error", code: "not_routable" }, dialect);
  if (failure.why === "exhausted") return exhausted(message, failure.freeInMs, dialect);
  const [status, type, code] = FORMS[failure.why];
  return reply(status, { message, type, code }, dialect);
}

function exhausted(message: string, freeInMs: number | undefined, dialect: Dialect | undefined): ErrorReply {
  const { lastWord } = dialectSpec(dialect ?? DEFAULT_DIALECT);
  if (freeInMs === undefined && lastWord !== undefined) {
    const final = reply(lastWord.status, { message, type: lastWord.type, code: "keys_exhausted" }, dialect);
    return { ...final, headers: { "x-should-retry": "false" } };
  }
  if (freeInMs === undefined)
    return reply(503, { message, type: "server_error", code: "keys_exhausted" }, dialect);
  const seconds = Math.max(1, Math.ceil(freeInMs / 1_000));
  return {
    ...reply(429, { message, type: "rate_limit_error", code: "keys_exhausted" }, dialect),
    headers: { "retry-after": String(seconds) },
  };
}

function reply(status: number, words: ErrorWords, dialect: Dialect | undefined): ErrorReply {
  return { status, headers: {}, body: dialectSpec(dialect ?? DEFAULT_DIALECT).errorBody(words) };
}
