import type { Usage } from "../core/dialect/hub-answer.ts";
import type { Dialect } from "../core/dialect/registry.ts";
import type { Key } from "../core/key.ts";
import { formatModelRef, type ModelRef } from "../core/model-ref.ts";
import type { AttemptRecord } from "../core/routing/events.ts";
import type { Progress, TriedLane } from "../core/routing/progress.ts";
import type { Session } from "../core/routing/session.ts";
import { ownWords } from "../core/scrub.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { SentAnswer } from "../core/stream/continuation.ts";
import type { Prefill } from "../core/stream/prefill.ts";
import type { StreamGate } from "../core/stream/stream-gate.ts";
import type { UserRule } from "../core/verdict/error-rule.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import type { Env } from "./env.ts";
import type { ModelRequest } from "./read-request.ts";
import type { RoutingSnapshot } from "./snapshot.ts";
import type { ByteReader, CallUnderWay, Reply, Transport, UpstreamCall } from "./transport.ts";

export interface AttemptStart {
  key: Key;
  ref: ModelRef;
  startedMs: number;
  probe: boolean;
  isLastResort: boolean;
  /** The probes of this attempt, by `probeId`. */
  probes: string[];
  release: (attempt: Attempt) => void;
  /** Lets the next request in the queue look for a lane. */
  onClosed: () => void;
}

type Outcome =
  | { kind: "running" }
  | { kind: "answered"; status: number; tookMs: number }
  | { kind: "cancelled"; tookMs: number }
  | { kind: "failed"; verdict: Verdict; tookMs: number };

/** One upstream call of a request: its lane, the call, and its result. */
export class Attempt implements TriedLane {
  readonly key: Key;
  readonly ref: ModelRef;
  readonly startedMs: number;
  readonly probe: boolean;
  readonly isLastResort: boolean;
  readonly probes: string[];
  /** The text for the model to continue, if the call contains it. */
  prefill: Prefill | undefined;
  /** A slot of the shared limits. */
  lease: { release: () => void } | undefined;
  readonly #release: (attempt: Attempt) => void;
  readonly #onClosed: () => void;
  #outcome: Outcome = { kind: "running" };
  #call: CallUnderWay | undefined;
  #isReleased = false;
  #isClosed = false;

  constructor(start: AttemptStart) {
    this.key = start.key;
    this.ref = start.ref;
    this.startedMs = start.startedMs;
    this.probe = start.probe;
    this.isLastResort = start.isLastResort;
    this.probes = start.probes;
    this.#release = start.release;
    this.#onClosed = start.onClosed;
  }

  get verdict(): Verdict | undefined {
    return this.#outcome.kind === "failed" ? this.#outcome.verdict : undefined;
  }

  send(transport: Transport, call: Omit<UpstreamCall, "secret">): Promise<Reply> {
    this.#call = transport({ ...call, secret: this.key.secret });
    return this.#call.reply;
  }

  /** Aborts the call, if it has been sent. */
  abort(): void {
    this.#call?.abort();
  }

  /** The first bytes of an answer have arrived. */
  answered(status: number, nowMs: number): void {
    this.#outcome = { kind: "answered", status, tookMs: nowMs - this.startedMs };
  }

  /** The client has left before anything came. */
  cancelled(nowMs: number): void {
    if (this.#outcome.kind === "running")
      this.#outcome = { kind: "cancelled", tookMs: nowMs - this.startedMs };
  }

  /** It has failed, at once or after it had begun to answer. */
  failed(verdict: Verdict, nowMs: number): void {
    this.#outcome = { kind: "failed", verdict, tookMs: nowMs - this.startedMs };
  }

  /** Returns the lane before the end, while other requests must not look yet. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#release(this);
  }

  /** The only end of an attempt, whatever its result. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.release();
    this.#onClosed();
  }

  /** As the ledger keeps it; undefined while nothing has come. */
  get record(): AttemptRecord | undefined {
    const outcome = this.#outcome;
    if (outcome.kind === "running") return undefined;
    return {
      atMs: this.startedMs,
      model: formatModelRef(this.ref),
      keyName: this.key.name,
      fingerprint: this.key.fingerprint,
      durationMs: outcome.tookMs,
      ...resultOf(outcome),
    };
  }
}

function resultOf(
  outcome: Exclude<Outcome, { kind: "running" }>,
): Omit<AttemptRecord, "atMs" | "model" | "keyName" | "fingerprint" | "durationMs"> {
  switch (outcome.kind) {
    case "answered":
      return { status: outcome.status, verdict: "ok", message: ownWords("") };
    case "cancelled":
      return { status: 0, verdict: "cancelled", message: ownWords("") };
    case "failed": {
      const { status, kind, message, fault, waitMs } = outcome.verdict;
      return { status, verdict: kind, message, fault, waitMs };
    }
  }
}

export interface RunContext {
  progress: Progress;
  session: Session;
  /** Does not change during the request. */
  snapshot: RoutingSnapshot;
}

/** What an upstream call depends on besides its lane. */
export interface CallOptions {
  request: ModelRequest;
  attempt: Attempt;
  provider: Provider;
  /** The provider's dialect; undefined for an endpoint that is passed through unread. */
  dialect: Dialect | undefined;
  /** Whose reasoning a signature belongs to, and the way to note it. */
  familyOfSeal: (seal: string) => string | undefined;
  learnSeal: (seal: string) => void;
  /** The model's maximum of output tokens, if known. */
  outputLimit: number | undefined;
  /** The longest silence before the first token while another lane is left. */
  firstTokenMs: number;
  mayMoveOn: () => boolean;
  /** The longest silence if no other lane is left. */
  silenceLimitMs: number;
  /** Injected, so that a test can replace it. */
  transport: Transport;
  /** Until when the call may have waited in this process's own connection pool. */
  crowdedUntilMs: () => number;
  /** The broken answer that this one has to continue. */
  continues: SentAnswer | undefined;
  /** The text for the model to continue; undefined if it is not asked to. */
  prefill: Prefill | undefined;
  /** Fields that this model's service has rejected. */
  without: ReadonlySet<string> | undefined;
  rules: readonly UserRule[];
  errorBodyBytes: number;
  /** What must not be in any words of a provider. */
  secrets: readonly string[];
  /** The longest answer in one piece. */
  answerBytes: number;
  /** Whether the call gets a connection that has carried no other. */
  isAlone: boolean;
  env: Required<Env>;
}

/** A reply that was not an answer, kept in case it is passed to the client. */
export interface ErrorReply {
  status: number;
  headers: Headers;
  body: string;
}

/** A stream whose head is an answer. */
export interface OpenStream {
  status: number;
  headers: Headers;
  gate: StreamGate;
  reader: ByteReader;
  first: Uint8Array | undefined;
  /** Whether the stream has already ended well. */
  isWhole: boolean;
}

export type CallOutcome =
  | { kind: "stream"; stream: OpenStream }
  /** A complete body, or one that is passed through unread. */
  | {
      kind: "body";
      status: number;
      headers: Headers;
      body: Uint8Array<ArrayBuffer> | ByteReader;
      /** Where the body is not there in one piece. */
      usage?: Usage | undefined;
    }
  | { kind: "refused"; verdict: Verdict; reply: ErrorReply | undefined }
  | { kind: "client-gone" };

export interface Call {
  options: CallOptions;
  /** The provider has sent something, though not yet a token. */
  progressed: () => void;
}
