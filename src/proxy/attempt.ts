import type { Dialect } from "../core/dialect/registry.ts";
import type { Key } from "../core/key.ts";
import type { ModelRef } from "../core/model-ref.ts";
import type { Progress } from "../core/routing/progress.ts";
import type { Session } from "../core/routing/session.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { SentAnswer } from "../core/stream/continuation.ts";
import type { StreamGate } from "../core/stream/stream-gate.ts";
import type { UserRule } from "../core/verdict/error-rule.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import type { Env } from "./env.ts";
import type { ModelRequest } from "./read-request.ts";
import type { RoutingSnapshot } from "./snapshot.ts";
import type { ByteReader, Transport } from "./transport.ts";

/** A lane in use by one attempt, from its sending to the end of its answer. */
export interface Lease {
  readonly key: Key;
  readonly ref: ModelRef;
  readonly startedMs: number;
  readonly probe: boolean;
  /** What this attempt finds out about, by `probeId`. */
  probes: string[];
  /** Until the call is over. */
  isHeld: boolean;
}

/** Whose request it is, and how far it has come. */
export interface RunContext {
  progress: Progress;
  session: Session;
  /** Those it began under. */
  snapshot: RoutingSnapshot;
}

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
  env: Required<Env>;
}

/** An upstream reply that was no answer, kept for the case that it goes back to the client as it is. */
export interface ErrorReply {
  status: number;
  headers: Headers;
  body: string;
}

/** A stream whose head has shown that it is an answer. */
export interface OpenStream {
  status: number;
  headers: Headers;
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
      headers: Headers;
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
