import type { Dialect } from "../core/dialect/registry.ts";
import type { Key } from "../core/key.ts";
import { formatModelRef, type ModelRef } from "../core/model-ref.ts";
import type { AttemptRecord } from "../core/routing/events.ts";
import type { Progress, TriedLane } from "../core/routing/progress.ts";
import type { Session } from "../core/routing/session.ts";
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

/** What an attempt needs to begin. */
export interface AttemptStart {
  key: Key;
  ref: ModelRef;
  startedMs: number;
  probe: boolean;
  isLastResort: boolean;
  /** The probes that it makes, by `probeId`. */
  probes: string[];
  /** Gives the lane back to the router. */
  release: (attempt: Attempt) => void;
  /** The next request in line may look for a lane. */
  onClosed: () => void;
}

/** How far an attempt has come. */
type Outcome =
  | { kind: "running" }
  | { kind: "answered"; status: number; tookMs: number }
  | { kind: "failed"; verdict: Verdict; tookMs: number };

/** One upstream call of a request: the lane it uses, the call itself, and its result. */
export class Attempt implements TriedLane {
  readonly key: Key;
  readonly ref: ModelRef;
  readonly startedMs: number;
  readonly probe: boolean;
  readonly isLastResort: boolean;
  readonly probes: string[];
  /** The text that the model is to continue, once the call shows it. */
  prefill: Prefill | undefined;
  /** Room that the store has given to the call. */
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

  /** Makes the call. */
  send(transport: Transport, call: Omit<UpstreamCall, "secret">): Promise<Reply> {
    this.#call = transport({ ...call, secret: this.key.secret });
    return this.#call.reply;
  }

  /** Breaks the call off, if there is one yet. */
  abort(): void {
    this.#call?.abort();
  }

  /** The first bytes of an answer have come. */
  answered(status: number, nowMs: number): void {
    this.#outcome = { kind: "answered", status, tookMs: nowMs - this.startedMs };
  }

  /** It has failed, at once or after it had begun to answer. */
  failed(verdict: Verdict, nowMs: number): void {
    this.#outcome = { kind: "failed", verdict, tookMs: nowMs - this.startedMs };
  }

  /** Gives the lane back before the end, where others must not look yet. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#release(this);
  }

  /** The one end of an attempt, whatever its result: gives the lane back and lets the next in line look. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.release();
    this.#onClosed();
  }

  /** As the ledger keeps it; undefined while nothing has come, and for a call that was given up. */
  get record(): AttemptRecord | undefined {
    const outcome = this.#outcome;
    if (outcome.kind === "running") return undefined;
    const said =
      outcome.kind === "failed"
        ? recordOf(outcome.verdict)
        : { status: outcome.status, verdict: "ok" as const, message: "" };
    return {
      atMs: this.startedMs,
      model: formatModelRef(this.ref),
      keyName: this.key.name,
      fingerprint: this.key.fingerprint,
      durationMs: outcome.tookMs,
      ...said,
    };
  }
}

function recordOf({
  status,
  kind,
  message,
  fault,
  waitMs,
}: Verdict): Omit<AttemptRecord, "atMs" | "model" | "keyName" | "fingerprint" | "durationMs"> {
  return { status, verdict: kind, message, fault, waitMs };
}

/** Whose request it is, and how far it has come. */
export interface RunContext {
  progress: Progress;
  session: Session;
  /** What it goes by, whatever changes meanwhile. */
  snapshot: RoutingSnapshot;
}

/** What an upstream call depends on besides its lane. */
export interface CallOptions {
  request: ModelRequest;
  attempt: Attempt;
  provider: Provider;
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
  /** The text of that answer for the model to continue; undefined where it is not asked to. */
  prefill: Prefill | undefined;
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
}

/** What came of one upstream call. */
export type CallOutcome =
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
  options: CallOptions;
  /** The provider has sent something, if not yet a token. */
  progressed: () => void;
}
