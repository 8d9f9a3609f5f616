import { repairFinish } from "../dialect/hub-answer.ts";
import { DEFAULT_DIALECT, type Dialect, dialectSpec } from "../dialect/registry.ts";
import { type ClientProfile, type ErrorReply, type FinalFailure, firstHeader } from "./client-profile.ts";

/** Codex shows the message of `response.failed` with this code, and ends. */
const FINAL = { type: "invalid_request_error", code: "invalid_prompt" };

/** Codex retries five times on this code. */
const AGAIN = { type: "server_error", code: "server_error" };

/** Statuses below 500 that Codex retries, or misinterprets. */
const MISREAD = new Set([401, 403, 404, 408, 409, 413, 429]);

/** All contain the same id; the last two are from older versions. */
const SESSION_HEADERS = ["session-id", "thread-id", "session_id", "conversation_id"];

/**
 * Codex CLI, measured on 0.171.0. It shows a 400 once, and `response.failed` is the only error it knows in a stream.
 */
export const codex: ClientProfile = {
  name: "codex",
  isAgent: true,
  brokenInARow: 4,
  askAgainAfterOutput: true,
  finalError,
  // It removes old turns until the conversation fits.
  overflow: ({ message }, dialect) =>
    reply(400, { message, type: "invalid_request_error", code: "context_length_exceeded" }, dialect),
  passedStatus: (status) => (status >= 500 || MISREAD.has(status) ? 400 : status),
  finalEvent: (message, dialect) => dialectSpec(dialect).errorEvent({ ...FINAL, message }),
  askAgainEvent: (message, dialect) => dialectSpec(dialect).errorEvent({ ...AGAIN, message }),
  settleFinish: repairFinish,
  sessionId: (headers) => firstHeader(headers, SESSION_HEADERS),
};

function finalError({ why, message }: FinalFailure, dialect: Dialect | undefined): ErrorReply {
  // A full proxy has room again in a moment.
  if (why === "too-many-open") return reply(503, { ...AGAIN, message }, dialect);
  return reply(400, { ...FINAL, message }, dialect);
}

function reply(
  status: number,
  words: { message: string; type: string; code: string },
  dialect: Dialect | undefined,
): ErrorReply {
  return { status, headers: {}, body: dialectSpec(dialect ?? DEFAULT_DIALECT).errorBody(words) };
}
