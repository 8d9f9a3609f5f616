import type { SettleFinish } from "../dialect/hub-answer.ts";
import type { Dialect } from "../dialect/registry.ts";
import type { ProviderWords } from "../scrub.ts";
import type { Settings } from "../settings/settings.ts";

export type ProfileName = "opencode1" | "opencode2" | "claude" | "codex" | "neutral";

/** Why orouter ends a request before any byte of an answer. */
export type FinalFailure =
  /** No lane is left. `freeInMs`: when the first one is known to be free again. */
  | { why: "exhausted"; message: string; freeInMs: number | undefined }
  /** No provider can be asked; `status` fits best in plain HTTP. */
  | { why: "not-routable"; message: string; status: number }
  /** The request is at fault, in the provider's words. */
  | { why: "refused"; message: ProviderWords }
  | { why: "too-many-open"; message: string }
  | { why: "bug"; message: string };

export interface Overflow {
  message: ProviderWords;
  /** The model or chain as the client named it. */
  asked: string;
  /** Consecutive overflows of this session, including this one. */
  inARow: number;
}

export interface ModelSources {
  settings: Pick<Settings, "agents" | "chains">;
  hasKey: (provider: string) => boolean;
}

export interface ErrorReply {
  status: number;
  headers: Record<string, string>;
  body: object;
}

export interface HeaderSource {
  get(name: string): string | null;
}

/**
 * How one kind of client expects errors, retries, endings and sessions. The dialect is undefined for endpoints that are
 * passed through unread, such as embeddings.
 */
export interface ClientProfile {
  readonly name: ProfileName;
  /**
   * True for a coding agent: none of its turns may end without text and a call, and its history ends in an answer only
   * if that answer broke off.
   */
  readonly isAgent: boolean;
  /** How many answers in a row may break on one session before the client is told not to retry. */
  readonly brokenInARow: number;
  /** False if the client would show the beginning of an answer twice after a retry. */
  readonly askAgainAfterOutput: boolean;
  /** The error that ends a request before any byte of an answer. */
  finalError(failure: FinalFailure, dialect: Dialect | undefined): ErrorReply;
  /** The error for a conversation that is too long: one that makes the client compact it, or a final one. */
  overflow(overflow: Overflow, dialect: Dialect | undefined): ErrorReply;
  /** The status with which a provider's refusal of the request is passed on. */
  passedStatus(status: number): number;
  /** The event that ends a stream for good. */
  finalEvent(message: string, dialect: Dialect): string;
  /** The event that makes the client send the request again. */
  askAgainEvent(message: string, dialect: Dialect): string;
  /** How the client receives a finish reason. */
  readonly settleFinish: SettleFinish;
  /** The id of the session in the client's headers. */
  sessionId(headers: HeaderSource): string | undefined;
  /** Maps the client's own model names; absent if it has none. */
  modelNamed?(name: string, sources: ModelSources): string;
}

/** An answer that broke after its head and could not be continued. */
export interface BrokenAnswer {
  dialect: Dialect;
  message: string;
  isFinal: boolean;
  /** Whether the client has shown part of the answer. */
  hasOutput: boolean;
  /** Consecutive broken answers of this session, including this one. */
  inARow: number;
  /** Whether a lane is left for the next request. */
  isElsewhereLeft: boolean;
}

/** The last event of a broken answer: a retry if that helps and does no harm. */
export function brokenEvent(profile: ClientProfile, broken: BrokenAnswer): string {
  const { dialect, message, isFinal, hasOutput, inARow, isElsewhereLeft } = broken;
  if (!isFinal && inARow >= profile.brokenInARow && !isElsewhereLeft)
    return profile.finalEvent(`${message}, ${inARow} times in a row.`, dialect);
  const asksAgain = !isFinal && (profile.askAgainAfterOutput || !hasOutput);
  return asksAgain ? profile.askAgainEvent(message, dialect) : profile.finalEvent(message, dialect);
}

export function firstHeader(headers: HeaderSource, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = headers.get(name);
    if (value) return value;
  }
  return undefined;
}

/** Contains the run's token for a client that sends the user's own key as the API key. */
export const TOKEN_HEADER = "x-orouter-token";
