import { brokenEvent } from "../core/client/client-profile.ts";
import { joined } from "../core/stream/join-bytes.ts";
import { classifyFailure, ownVerdict } from "../core/verdict/failure.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import type { OpenStream } from "./attempt-outcome.ts";
import { finishReading } from "./finish-reading.ts";
import type { Lease } from "./lease.ts";
import type { Router } from "./router.ts";
import { StallWatch } from "./stall-watch.ts";
import type { Trail } from "./trail.ts";
import type { Walk } from "./walk.ts";

export interface AnswerStreamOptions {
  router: Router;
  trail: Trail;
  walk: Walk;
  stream: OpenStream;
  lease: Lease;
  onBug: (error: unknown) => void;
}

/** Attempts at going on with a broken answer. */
const MAX_RESUMES = 2;

/** Silence behind the finish of an answer: only usage and the end mark can still come, and few wait for them. */
const AFTER_FINISH_MS = 3_000;

type Chunk = Awaited<ReturnType<OpenStream["reader"]["read"]>>;

/** What there is for the client now, or once it is known how a broken answer goes on; it may be nothing. */
type Passed = Uint8Array | undefined | Promise<Uint8Array | undefined>;

const BROKE_OFF = "orouter: the provider broke off in the middle of its answer";

const encoder = new TextEncoder();

/**
 * Carries an answer from the upstream to the client, and on to another upstream where it can be continued to the
 * letter. A truncated answer never ends as if it were whole.
 */
export class AnswerStream {
  readonly #options: AnswerStreamOptions;
  readonly #router: Router;
  readonly #walk: Walk;
  readonly #watch: StallWatch;
  #stream: OpenStream;
  #lease: Lease;
  #pending: Uint8Array | undefined;
  #resumes = 0;
  #isOver = false;
  #hasLeft = false;
  #isStalled = false;

  constructor(options: AnswerStreamOptions) {
    this.#options = options;
    this.#router = options.router;
    this.#walk = options.walk;
    this.#stream = options.stream;
    this.#lease = options.lease;
    this.#pending = options.stream.first;
    this.#watch = new StallWatch({
      chance: this.#router.chance,
      limitMs: () => this.#silenceAllowedMs(),
      onStall: () => this.#stalled(),
    });
    const { signal } = this.#walk.request;
    // A client that has left before the first byte was asked for cancels nothing.
    signal.addEventListener("abort", () => this.#end("client-gone"), { once: true });
    if (signal.aborted) this.#end("client-gone");
  }

  /**
   * The body of the response. Written directly, so that the head goes out with the first bytes and the end with the
   * last: each is a call to the system less.
   */
  body(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      type: "direct",
      pull: (client) => this.#pour(client),
      cancel: () => this.#end("client-gone"),
    });
  }

  /** One wait for each chunk, in this very function: whatever else a chunk had to wait for would cost every answer. */
  async #pour(client: ReadableStreamDirectController): Promise<void> {
    await this.#write(client, this.#takePending());
    while (!this.#isOver) {
      if (this.#stream.isWhole) this.#complete(undefined);
      else {
        this.#watch.reading();
        let passed: Passed;
        try {
          passed = this.#pass(await this.#stream.reader.read());
        } catch (cause) {
          passed = this.#readFailed(cause);
        }
        const full = this.#write(client, passed instanceof Promise ? await passed : passed);
        if (full !== undefined) await full;
      }
    }
    if (!this.#hasLeft) client.end();
  }

  /** A promise where the client is slow: that is to slow the upstream, and not to fill our memory. */
  #write(
    client: ReadableStreamDirectController,
    bytes: Uint8Array | undefined,
  ): Promise<unknown> | undefined {
    if (bytes === undefined || this.#hasLeft) return undefined;
    const written: number | Promise<number> = client.write(bytes);
    // With the last bytes goes the end.
    if (!this.#isOver) client.flush();
    return typeof written === "number" || this.#isOver ? undefined : written;
  }

  /** What of a chunk is for the client; a promise only where the answer breaks. */
  #pass({ done, value }: Chunk): Passed {
    try {
      if (done) return this.#atEnd(undefined);
      const { gate } = this.#stream;
      const step = gate.push(value);
      this.#watch.read(step.progressed);
      if (step.error !== undefined) return this.#brokenBehind(step.pass, this.#judge(step.error));
      return gate.isDone ? this.#atEnd(step.pass) : step.pass;
    } catch (error) {
      return this.#bug(error);
    }
  }

  /** A bug in us must not leave the client with an answer that looks whole, nor the lane taken. */
  #bug(error: unknown): Uint8Array | undefined {
    this.#options.onBug(error);
    return this.#giveUp(undefined);
  }

  #readFailed(cause: unknown): Passed {
    this.#watch.read(false);
    // Behind the finish a broken connection takes nothing away.
    if (this.#stream.gate.isFinished) return this.#atEnd(undefined);
    const [how, why] = this.#isStalled
      ? (["stall", "the answer fell silent"] as const)
      : (["reset", classifyFailure(cause).message] as const);
    return this.#brokenBehind(undefined, ownVerdict.broken(how, why));
  }

  #atEnd(pass: Uint8Array | undefined): Passed {
    const end = this.#stream.gate.end();
    if (end.kind === "complete") return joined(pass, this.#complete(end.tail));
    return this.#brokenBehind(pass, ownVerdict.broken("reset", end.why));
  }

  async #brokenBehind(pass: Uint8Array | undefined, verdict: Verdict): Promise<Uint8Array | undefined> {
    try {
      return joined(pass, await this.#broken(verdict));
    } catch (error) {
      return this.#bug(error);
    }
  }

  #judge(error: string): Verdict {
    const { status, headers } = this.#stream;
    const verdict = this.#walk.judge(this.#lease, { status, headers, body: error });
    return verdict ?? ownVerdict.broken("error", error);
  }

  #complete(tail: Uint8Array | undefined): Uint8Array | undefined {
    this.#walk.request.session.broken = 0;
    this.#router.complete(this.#lease);
    this.#end("served");
    return tail;
  }

  /** The lane has failed in mid-answer: another goes on to the letter, or the client is told so that it asks again. */
  async #broken(verdict: Verdict): Promise<Uint8Array | undefined> {
    if (this.#isOver) return undefined;
    this.#stream.abort();
    const decision = this.#walk.broke(this.#lease, verdict);
    // What is wrong with the request itself does not get better by asking again.
    if (decision.kind === "serve-error") return this.#giveUp(`orouter: ${verdict.message}`);
    return (await this.#resume()) ? this.#takePending() : this.#giveUp(undefined);
  }

  async #resume(): Promise<boolean> {
    const { request } = this.#walk;
    const { text, onlyText } = this.#stream.gate.sent();
    const canResume = request.terms.policy.resume && request.dialect === "chat" && onlyText && text !== "";
    if (!canResume || this.#resumes >= MAX_RESUMES) return false;
    this.#resumes++;
    const arrival = await this.#walk.go(text);
    if (arrival.kind !== "answer") return false;
    const { outcome, lease } = arrival;
    if (outcome.kind !== "stream" || this.#isOver) {
      if (outcome.kind === "stream") outcome.stream.abort();
      this.#router.drop(lease);
      return false;
    }
    this.#stream = outcome.stream;
    this.#lease = lease;
    this.#pending = outcome.stream.first;
    this.#isStalled = false;
    this.#watch.read(true);
    return true;
  }

  /** The last event of an answer that could not be saved: with words of its own it is final. */
  #giveUp(final: string | undefined): Uint8Array | undefined {
    if (this.#isOver) return undefined;
    const { session, profile, dialect = "chat" } = this.#walk.request;
    session.broken++;
    this.#end("broken");
    const event = brokenEvent(profile, {
      dialect,
      message: final ?? BROKE_OFF,
      isFinal: final !== undefined,
      // The head was held until it meant something, so part of the answer has gone out.
      hasOutput: true,
      inARow: session.broken,
    });
    return encoder.encode(event);
  }

  #takePending(): Uint8Array | undefined {
    const bytes = this.#pending;
    this.#pending = undefined;
    return bytes;
  }

  #silenceAllowedMs(): number {
    const { providers, policy } = this.#walk.request.terms;
    const limitMs = providers.get(this.#lease.ref.provider)?.stallTimeoutMs ?? policy.stallTimeoutMs;
    return this.#stream.gate.isFinished ? Math.min(limitMs, AFTER_FINISH_MS) : limitMs;
  }

  #stalled(): void {
    this.#isStalled = true;
    this.#stream.abort();
  }

  #end(outcome: "served" | "client-gone" | "broken"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#hasLeft = outcome === "client-gone";
    this.#watch.stop();
    if (outcome === "served") finishReading(this.#stream, this.#router.chance);
    else this.#stream.abort();
    this.#router.drop(this.#lease);
    this.#options.trail.close(outcome, this.#stream.gate.usage);
  }
}
