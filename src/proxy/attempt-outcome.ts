import type { ReplyHeaders } from "../core/http/reply-headers.ts";
import type { Key } from "../core/key.ts";
import type { ModelRef } from "../core/model-ref.ts";
import type { Dialect } from "../core/routing/route.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { SentAnswer } from "../core/stream/continuation.ts";
import type { StreamGate } from "../core/stream/stream-gate.ts";
import type { UserRule } from "../core/verdict/error-rule.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import type { Chance } from "./chance.ts";
import type { ModelRequest } from "./model-request.ts";
import type { ByteReader } from "./reply.ts";
import type { Transport } from "./upstream.ts";

/** One upstream call that is to be made. */
export interface AttemptOptions {
  request: ModelRequest;
  provider: Provider;
  key: Key;
  ref: ModelRef;
  /** The dialect to speak to the provider; undefined for an endpoint that is passed on unread. */
  dialect: Dialect | undefined;
  /** The most output tokens the model is known to take. */
  outputLimit: number | undefined;
  /** Silence allowed before the first token, for as long as there is somewhere else to go. */
  firstTokenMs: number;
  mayMoveOn: () => boolean;
  /** Silence allowed where there is nowhere else to go. */
  silenceLimitMs: number;
  /** Makes the call; a test may have its own. */
  transport: Transport;
  /** Whether few calls are under way, this one among them. */
  isCrowdSmall: boolean;
  /** Until when the call may have stood in line within this process. */
  crowdedUntilMs: () => number;
  /** What the client has of an answer that broke off, and that this one is to continue. */
  continues: SentAnswer | undefined;
  /** Fields that this model's service has refused. */
  without: ReadonlySet<string> | undefined;
  rules: readonly UserRule[];
  errorBodyBytes: number;
  /** The longest answer in one piece. */
  answerBytes: number;
  chance: Required<Chance>;
}

/** An upstream reply that was no answer, kept for the case that it goes back to the client as it is. */
export interface ErrorReply {
  status: number;
  headers: ReplyHeaders;
  body: string;
}

/** A stream whose head has shown that it is an answer. */
export interface OpenStream {
  status: number;
  headers: ReplyHeaders;
  gate: StreamGate;
  reader: ByteReader;
  /** What the gate has let through so far. */
  first: Uint8Array | undefined;
  /** Whether the stream has already ended, and well. */
  isWhole: boolean;
  abort: () => void;
}

/** What came of one upstream call. */
export type AttemptOutcome =
  | { kind: "stream"; stream: OpenStream }
  /** A whole body, or one that is passed on unread. */
  | {
      kind: "body";
      status: number;
      headers: ReplyHeaders;
      body: Uint8Array<ArrayBuffer> | ByteReader;
    }
  | { kind: "refused"; verdict: Verdict; reply: ErrorReply | undefined }
  | { kind: "client-gone" };

/** A call under way. */
export interface Call {
  options: AttemptOptions;
  /** Breaks it off. */
  abort: () => void;
  /** Something came of it, if not yet a token. */
  progressed: () => void;
}
