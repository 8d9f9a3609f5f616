import type { SettleFinish } from "../dialect/hub-answer.ts";
import type { Dialect } from "../dialect/registry.ts";
import type { Settings } from "../settings/settings.ts";

/** The kinds of clients that orouter knows how to speak to. */
export type ProfileName = "opencode1" | "opencode2" | "claude" | "codex" | "neutral";

/** Why orouter itself ends a request before any byte of an answer. */
export type FinalFailure =
  /** No lane is left. `freeInMs`: when the first one is known to be free again. */
  | { why: "exhausted"; message: string; freeInMs: number | undefined }
  /** No provider can be asked: `status` is the one that fits best in plain HTTP. */
  | { why: "not-routable"; message: string; status: number }
  /** The request is at fault, in the provider's words. */
  | { why: "refused"; message: string }
  | { why: "too-many-open"; message: string }
  | { why: "bug"; message: string };

/** A conversation that does not fit. */
export interface Overflow {
  /** The provider's own words. */
  message: string;
  /** The model or chain as the client named it. */
  asked: string;
  /** Overflows in a row on this session, this one included. */
  inARow: number;
}

/** What a client's own model names are looked up in. */
export interface ModelSources {
  settings: Pick<Settings, "agents" | "chains">;
  hasKey: (provider: string) => boolean;
}

/** A whole error reply. */
export interface ErrorReply {
  status: number;
  headers: Record<string, string>;
  body: object;
}

/** The part of a request's headers that a session is looked up in. */
export interface HeaderSource {
  get(name: string): string | null;
}

/**
 * How errors, retries, endings and sessions look for one kind of client. The dialect is undefined for endpoints that
 * are passed on unread, such as embeddings.
 */
export interface ClientProfile {
  readonly name: ProfileName;
  /**
   * Whether it is a coding agent: none of its turns may end without a word and a call, and its history ends in an
   * answer only where that answer broke off.
   */
  readonly isAgent: boolean;
  /** Answers that may break in a row on one session before the client is told to stop asking again. */
  readonly brokenInARow: number;
  /** Whether the client may be told to ask again when it has shown part of an answer: some would show it twice. */
  readonly askAgainAfterOutput: boolean;
  /** The error that ends a request before any byte of an answer. */
  finalError(failure: FinalFailure, dialect: Dialect | undefined): ErrorReply;
  /** The error for a conversation that does not fit: the form that the client shortens it on, or a final one. */
  overflow(overflow: Overflow, dialect: Dialect | undefined): ErrorReply;
  /** The status under which a provider's refusal of the request itself is passed on. */
  passedStatus(status: number): number;
  /** The event that ends a stream for good. */
  finalEvent(message: string, dialect: Dialect): string;
  /** The event on which the client sends the request again. */
  askAgainEvent(message: string, dialect: Dialect): string;
  /** How the end of an answer reaches the client. */
  readonly settleFinish: SettleFinish;
  /** The session that a request belongs to, as the client names it. */
  sessionId(headers: HeaderSource): string | undefined;
  /** The model that the client means by a name of its own; absent if it has none. */
  modelNamed?(name: string, sources: ModelSources): string;
}

/** An answer that broke behind its head and could not be continued. */
export interface BrokenAnswer {
  dialect: Dialect;
  /** The words for the client. */
  message: string;
  /** Whether asking again would not help. */
  isFinal: boolean;
  /** Whether the client has shown part of the answer. */
  hasOutput: boolean;
  /** Broken answers in a row on this session, this one included. */
  inARow: number;
  /** Whether a lane is left that could answer the next request. */
  isElsewhereLeft: boolean;
}

/** The last event of a broken answer: the client asks again where that helps and does no harm. */
export function brokenEvent(profile: ClientProfile, broken: BrokenAnswer): string {
  const { dialect, message, isFinal, hasOutput, inARow, isElsewhereLeft } = broken;
  if (!isFinal && inARow >= profile.brokenInARow && !isElsewhereLeft)
    return profile.finalEvent(`${message}, ${inARow} times in a row.`, dialect);
  const asksAgain = !isFinal && (profile.askAgainAfterOutput || !hasOutput);
  return asksAgain ? profile.askAgainEvent(message, dialect) : profile.finalEvent(message, dialect);
}

/** The first of some headers that holds anything. */
export function firstHeader(headers: HeaderSource, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = headers.get(name);
    if (value) return value;
  }
  return undefined;
}
