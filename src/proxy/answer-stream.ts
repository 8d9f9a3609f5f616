import { finalEvent, retryEvent } from "../core/final-error.ts";
import { ownVerdict } from "../core/own-verdict.ts";
import type { OpenStream } from "./attempt.ts";
import type { Lease, Router } from "./router.ts";
import type { Trail } from "./trail.ts";
import type { Walk } from "./walk.ts";

export interface AnswerStreamOptions {
  router: Router;
  trail: Trail;
  walk: Walk;
  stream: OpenStream;
  lease: Lease;
}

/** Answers that may break in a row on one session before opencode is told to stop asking again. */
const BROKEN_IN_A_ROW = 4;

/** Attempts at going on with a broken answer from another lane. */
const MAX_RESUMES = 2;

const encoder = new TextEncoder();

/**
 * Carries an answer from the upstream to the client, and on to another upstream where it can be continued to the
 * letter. A truncated answer never ends as if it were whole.
 */
export class AnswerStream {
  readonly #options: AnswerStreamOptions;
  readonly #router: Router;
  #stream: OpenStream;
  #lease: Lease;
  #pending: Uint8Array | undefined;
  #text = "";
  #resumes = 0;
  #isOver = false;
  #progressMs = 0;
  #stallTimer: ReturnType<typeof setTimeout> | undefined;
  #isStalled = false;

  constructor(options: AnswerStreamOptions) {
    this.#options = options;
    this.#router = options.router;
    this.#stream = options.stream;
    this.#lease = options.lease;
    this.#pending = options.stream.first;
  }

  /** The body of the response. Pulled, so that a slow client slows the upstream and not our memory. */
  body(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: () => this.#watchForStall(),
        pull: (controller) => this.#pull(controller),
        cancel: () => this.#end("client-gone"),
      },
      { highWaterMark: 0 },
    );
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    for (;;) {
      const bytes = this.#pending ?? (await this.#next());
      this.#pending = undefined;
      if (bytes !== undefined) controller.enqueue(bytes);
      if (this.#isOver) {
        controller.close();
        return;
      }
      if (bytes !== undefined) return;
    }
  }

  /** The next bytes for the client; undefined where a chunk let nothing through. */
  async #next(): Promise<Uint8Array | undefined> {
    const { gate, reader } = this.#stream;
    if (this.#stream.isWhole) return this.#complete(undefined);
    if (this.#stream.error !== undefined) return this.#broken("error", this.#stream.error);
    let chunk: Awaited<ReturnType<typeof reader.read>>;
    try {
      chunk = await reader.read();
    } catch (cause) {
      if (gate.isFinished) return this.#complete(tailOf(gate.end()));
      return this.#broken(this.#isStalled ? "stall" : "reset", String((cause as Error).message));
    }
    if (chunk.done) {
      const end = gate.end();
      return end.kind === "complete" ? this.#complete(end.tail) : this.#broken("reset", end.why);
    }
    const step = gate.push(chunk.value);
    if (step.progressed) this.#progressMs = performance.now();
    if (step.error !== undefined) return joined(step.pass, await this.#broken("error", step.error));
    if (gate.isDone) return joined(step.pass, this.#complete(tailOf(gate.end())));
    return step.pass;
  }

  #complete(tail: Uint8Array | undefined): Uint8Array | undefined {
    const { session } = this.#options.walk.request;
    session.broken = 0;
    this.#end("served");
    return tail;
  }

  /** The lane has failed in mid-answer: another goes on to the letter, or the client is told so that it asks again. */
  async #broken(how: "reset" | "stall" | "error", why: string): Promise<Uint8Array | undefined> {
    const { walk } = this.#options;
    if (walk.request.signal.aborted) {
      this.#end("client-gone");
      return undefined;
    }
    this.#stream.abort();
    this.#router.drop(this.#lease);
    walk.broke(this.#lease, ownVerdict.broken(how, why));
    if (await this.#resume()) return this.#takePending();
    walk.request.session.broken++;
    const isLast = walk.request.session.broken >= BROKEN_IN_A_ROW;
    const text = "orouter: the provider broke off in the middle of its answer";
    this.#isOver = true;
    this.#close("broken");
    return encoder.encode(
      isLast ? finalEvent(`${text}, ${BROKEN_IN_A_ROW} times in a row.`) : retryEvent(text),
    );
  }

  async #resume(): Promise<boolean> {
    const { walk } = this.#options;
    const sent = this.#stream.gate.sent();
    this.#text = sent.text;
    const canResume =
      this.#router.policy.resume && walk.request.dialect === "chat" && sent.onlyText && sent.text !== "";
    if (!canResume || this.#resumes >= MAX_RESUMES) return false;
    this.#resumes++;
    const arrival = await walk.go(this.#text);
    if (arrival.kind !== "answer") return false;
    if (arrival.outcome.kind !== "stream") {
      this.#router.drop(arrival.lease);
      return false;
    }
    this.#stream = arrival.outcome.stream;
    this.#lease = arrival.lease;
    this.#pending = this.#stream.first;
    this.#isStalled = false;
    this.#progressMs = performance.now();
    return true;
  }

  #takePending(): Uint8Array | undefined {
    const bytes = this.#pending;
    this.#pending = undefined;
    return bytes;
  }

  /** One timer a stream, set anew only when it fires: chunks pay nothing for it but a clock reading. */
  #watchForStall(): void {
    this.#progressMs = performance.now();
    const look = (): void => {
      const limitMs = this.#stallTimeoutMs();
      const silentMs = performance.now() - this.#progressMs;
      if (silentMs >= limitMs && this.#options.walk.hasOtherLane(this.#lease)) {
        this.#isStalled = true;
        this.#stream.abort();
      }
      this.#stallTimer = setTimeout(look, Math.max(limitMs - silentMs, limitMs / 4));
    };
    this.#stallTimer = setTimeout(look, this.#stallTimeoutMs());
  }

  #stallTimeoutMs(): number {
    const provider = this.#router.providers.get(this.#lease.ref.provider);
    return provider?.stallTimeoutMs ?? this.#router.policy.stallTimeoutMs;
  }

  #end(outcome: "served" | "client-gone"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#router.drop(this.#lease);
    // After the end mark the connection is worth keeping; a client that left wants it closed at once.
    if (outcome === "client-gone") this.#stream.abort();
    else void this.#stream.reader.cancel().catch(() => {});
    this.#close(outcome);
  }

  #close(outcome: "served" | "client-gone" | "broken"): void {
    clearTimeout(this.#stallTimer);
    this.#options.trail.close(outcome, this.#stream.gate.usage);
  }
}

function tailOf(
  end: { kind: "complete"; tail: Uint8Array | undefined } | { kind: "cut" },
): Uint8Array | undefined {
  return end.kind === "complete" ? end.tail : undefined;
}

function joined(a: Uint8Array | undefined, b: Uint8Array | undefined): Uint8Array | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Buffer.concat([a, b]);
}
