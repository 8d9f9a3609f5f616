import { brokenEvent } from "../core/client/client-profile.ts";
import { DEFAULT_DIALECT } from "../core/dialect/registry.ts";
import type { AnswerProgress } from "../core/routing/events.ts";
import { exhaustedEvent, exhaustionSummary } from "../core/routing/exhaustion.ts";
import { finderOf, ownWords, providerWords } from "../core/scrub.ts";
import type { SecretFinder } from "../core/secret-finder.ts";
import { joined } from "../core/stream/bytes.ts";
import { type SentAnswer, salvageOf } from "../core/stream/continuation.ts";
import { counted } from "../core/text.ts";
import { classifyFailure, ownVerdict } from "../core/verdict/failure.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import type { Attempt, OpenStream } from "./attempt.ts";
import type { Env } from "./env.ts";
import { noteFlaw } from "./read-request.ts";
import { describeExhaustion, type RequestRun, type RunResult } from "./request-run.ts";
import { progressOf, type Router } from "./router.ts";

/** The end of a body directly follows its end mark, or never comes. */
const LIMITS = { ms: 500, chunks: 8 };

/** Reads the rest after the end mark: only a connection whose body was read to its end can be reused. */
export function finishReading({ reader }: OpenStream, attempt: Attempt, env: Required<Env>): void {
  const callOff = env.after(LIMITS.ms, () => attempt.abort());
  void readOut(reader)
    .catch(() => {})
    .finally(callOff);
}

async function readOut(reader: OpenStream["reader"]): Promise<void> {
  for (let chunks = 0; chunks < LIMITS.chunks; chunks++) {
    if ((await reader.read()).done) return;
  }
  await reader.cancel();
}

export interface StallWatchOptions {
  env: Required<Env>;
  limitMs: () => number;
  /** Called at each check, every few seconds. */
  onLook: () => void;
  /** Called when the silence is too long, and again at each check while it lasts. */
  onStall: () => void;
}

/** The longest time between two checks: limits may change while a stream runs. */
const LOOK_EVERY_MS = 3_000;

/**
 * Only silence of the upstream counts: while a slow client reads nothing, nothing can arrive. One timer per stream, so
 * that a chunk costs only a look at the clock.
 */
export class StallWatch {
  readonly #options: StallWatchOptions;
  #silentSinceMs: number | undefined;
  #isReading = false;
  #callOff = (): void => {};

  constructor(options: StallWatchOptions) {
    this.#options = options;
    this.#lookAfter(options.limitMs());
  }

  reading(): void {
    this.#isReading = true;
    this.#silentSinceMs ??= this.#options.env.now();
  }

  /** A keep-alive alone does not end the silence. */
  read(progressed: boolean): void {
    this.#isReading = false;
    if (progressed) this.#silentSinceMs = undefined;
  }

  stop(): void {
    this.#callOff();
  }

  #lookAfter(leftMs: number): void {
    const ms = leftMs > 0 ? Math.min(leftMs, LOOK_EVERY_MS) : LOOK_EVERY_MS;
    this.#callOff = this.#options.env.after(ms, () => this.#look());
  }

  #look(): void {
    const { env, limitMs, onLook, onStall } = this.#options;
    const nowMs = env.now();
    // After the clock was set back, the silence must not begin in the future.
    if (this.#silentSinceMs !== undefined) this.#silentSinceMs = Math.min(nowMs, this.#silentSinceMs);
    const silentMs = nowMs - (this.#silentSinceMs ?? nowMs);
    this.#lookAfter(limitMs() - silentMs);
    onLook();
    if (this.#isReading && silentMs >= limitMs()) onStall();
  }
}

export interface AnswerStreamOptions {
  router: Router;
  run: RequestRun;
  stream: OpenStream;
  attempt: Attempt;
  onBug: (error: unknown) => void;
}

/** After the finish only usage and the end mark can follow, and few clients wait for them. */
const AFTER_FINISH_MS = 3_000;

type Chunk = Awaited<ReturnType<OpenStream["reader"]["read"]>>;

/** Bytes for the client, now or once a broken answer continues; may be empty. */
type Passed = Uint8Array | undefined | Promise<Uint8Array | undefined>;

/** Why an answer could not be saved. With `final` words a retry would not help. */
interface Unsaved {
  final?: string;
}

const BROKE_OFF = "orouter: the provider broke off in the middle of its answer";

const encoder = new TextEncoder();
export const KEEP_ALIVE = encoder.encode(": keep-alive\n\n");

/**
 * Sends an answer from the upstream to the client, and continues on another upstream if it breaks off. A truncated
 * answer never looks complete.
 */
export class AnswerStream {
  readonly #options: AnswerStreamOptions;
  readonly #router: Router;
  readonly #run: RequestRun;
  readonly #watch: StallWatch;
  readonly #forget: () => void;
  readonly #secrets: SecretFinder;
  #stream: OpenStream;
  #attempt: Attempt;
  #pending: Uint8Array | undefined;
  #client: ReadableStreamDirectController | undefined;
  /** Whether anything was written to the client since the last check. */
  #hasWritten = false;
  #isSlow = false;
  #isSearching = false;
  #isOver = false;
  #hasLeft = false;
  #isStalled = false;

  constructor(options: AnswerStreamOptions) {
    this.#options = options;
    this.#router = options.router;
    this.#run = options.run;
    this.#stream = options.stream;
    this.#attempt = options.attempt;
    this.#pending = options.stream.first;
    this.#secrets = finderOf(options.router.secrets);
    this.#watch = new StallWatch({
      env: this.#router.env,
      limitMs: () => this.#silenceAllowedMs(),
      onLook: () => this.#tellOn(),
      onStall: () => this.#stalled(),
    });
    this.#forget = this.#router.answers.add(() => this.#progress());
    const { signal } = this.#run.request;
    // A client that leaves before the first read does not cancel the stream.
    signal.addEventListener("abort", () => this.#end("client-gone"), { once: true });
    if (signal.aborted) this.#end("client-gone");
  }

  /**
   * Written directly, so that the head goes out with the first bytes and the end with the last, which saves a system
   * call each.
   */
  body(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      type: "direct",
      pull: (client) => this.pour(client),
      cancel: () => this.#end("client-gone"),
    });
  }

  /** One await per chunk, directly here: anything more would slow every answer down. */
  async pour(client: ReadableStreamDirectController): Promise<void> {
    this.#client = client;
    const first = this.#write(client, this.#takePending());
    if (first !== undefined) await first;
    while (!this.#isOver) {
      let passed: Passed;
      if (this.#stream.isWhole) passed = this.#complete(undefined);
      else {
        this.#watch.reading();
        try {
          passed = this.#pass(await this.#stream.reader.read());
        } catch (cause) {
          passed = this.#readFailed(cause);
        }
      }
      const full = this.#write(client, passed instanceof Promise ? await passed : passed);
      if (full !== undefined) await full;
    }
    if (!this.#hasLeft) client.end();
  }

  /** Returns a promise if the client is slow, to slow the upstream instead of filling the memory. */
  #write(
    client: ReadableStreamDirectController,
    bytes: Uint8Array | undefined,
  ): Promise<unknown> | undefined {
    if (this.#hasLeft) return undefined;
    const backlog = this.#stream.gate.takeBacklog();
    if (backlog !== undefined) return this.#writeAll(client, backlog, bytes);
    if (bytes === undefined) return undefined;
    this.#hasWritten = true;
    const written: number | Promise<number> = client.write(this.#secrets.cleanBytes(bytes));
    // With the last bytes goes the end.
    if (!this.#isOver) client.flush();
    return typeof written === "number" || this.#isOver ? undefined : this.#awaitClient(written);
  }

  async #writeAll(
    client: ReadableStreamDirectController,
    backlog: Iterable<Uint8Array>,
    last: Uint8Array | undefined,
  ): Promise<void> {
    for (const bytes of backlog) {
      if (this.#hasLeft) return;
      const written: number | Promise<number> = client.write(this.#secrets.cleanBytes(bytes));
      client.flush();
      if (typeof written !== "number") await this.#awaitClient(written);
    }
    await this.#write(client, last);
  }

  async #awaitClient(written: Promise<number>): Promise<void> {
    this.#isSlow = true;
    // A client that has left also aborts the request.
    await written.catch(() => 0);
    this.#isSlow = false;
  }

  /** Returns a promise only if the answer breaks. */
  #pass({ done, value }: Chunk): Passed {
    try {
      if (done) return this.#atEnd(undefined);
      const { gate } = this.#stream;
      const step = gate.push(value);
      this.#watch.read(step.progressed);
      if (step.failure !== undefined) return this.#brokenBehind(step.pass, this.#judge(step.failure));
      return gate.isDone ? this.#atEnd(step.pass) : step.pass;
    } catch (error) {
      return this.#bug(error);
    }
  }

  /** A bug of ours must not leave an answer that looks complete, or a lane that stays taken. */
  #bug(error: unknown): Uint8Array | undefined {
    this.#options.onBug(error);
    return this.#giveUp({});
  }

  #readFailed(cause: unknown): Passed {
    this.#watch.read(false);
    // After the finish a broken connection does no harm.
    if (this.#stream.gate.isFinished) return this.#atEnd(undefined);
    const [how, why] = this.#isStalled
      ? (["stall", ownWords("the answer fell silent")] as const)
      : (["reset", classifyFailure(cause).message] as const);
    return this.#brokenBehind(undefined, ownVerdict.broken(how, why));
  }

  #atEnd(pass: Uint8Array | undefined): Passed {
    const end = this.#stream.gate.end();
    if (end.kind === "complete") return joined(pass, this.#complete(end.tail));
    return this.#brokenBehind(pass, this.#judge(end.failure));
  }

  async #brokenBehind(pass: Uint8Array | undefined, verdict: Verdict): Promise<Uint8Array | undefined> {
    try {
      return joined(pass, await this.#broken(verdict));
    } catch (error) {
      return this.#bug(error);
    }
  }

  #judge(failure: Parameters<RequestRun["judge"]>[1]): Verdict {
    const { status, headers } = this.#stream;
    noteFlaw(this.#run.request, failure.kind);
    return this.#run.judge(this.#attempt, failure, { status, headers, body: "" });
  }

  #complete(tail: Uint8Array | undefined): Uint8Array | undefined {
    this.#run.request.session.broken = 0;
    this.#end("served");
    return tail;
  }

  /** The lane failed in the middle of the answer: another lane continues, or the client gets an error. */
  async #broken(verdict: Verdict): Promise<Uint8Array | undefined> {
    if (this.#isOver) return undefined;
    this.#attempt.abort();
    const decision = this.#run.fail(this.#attempt, verdict, { isBroken: true });
    // A retry does not help if the request itself is at fault.
    if (decision.kind === "serve-error") return this.#giveUp({ final: `orouter: ${verdict.message}` });
    this.#isSearching = true;
    const unsaved = await this.#goOn(this.#stream.gate.sent());
    this.#isSearching = false;
    return unsaved === undefined ? this.#takePending() : this.#giveUp(unsaved);
  }

  /** Looks for an answer that continues the sent text; returns why there is none. */
  async #goOn(sent: SentAnswer | undefined): Promise<Unsaved | undefined> {
    const { request, attempts } = this.#run;
    if (salvageOf(sent, request.snapshot.policy.resume) === "none") return {};
    for (;;) {
      const result = await this.#run.go(sent);
      if (result.kind === "answer") return this.#adopt(result) ? undefined : {};
      const asked = attempts.at(-1);
      if (result.kind !== "refusal" || result.verdict.rule !== "resume" || asked === undefined)
        return this.#whyUnsaved(result, sent);
      // A client that may retry gets a better answer that way than by attempts to match the text.
      if (request.profile.askAgainAfterOutput) return {};
      if (sent !== undefined) this.#run.differed(asked, sent);
    }
  }

  #adopt({ outcome, attempt }: Extract<RunResult, { kind: "answer" }>): boolean {
    if (outcome.kind !== "stream" || this.#isOver) {
      attempt.abort();
      attempt.close();
      return false;
    }
    this.#stream = outcome.stream;
    this.#attempt = attempt;
    this.#pending = outcome.stream.first;
    this.#isStalled = false;
    this.#watch.read(true);
    return true;
  }

  #whyUnsaved(result: RunResult, sent: SentAnswer | undefined): Unsaved {
    const { request, progress, attempts } = this.#run;
    if (result.kind !== "exhausted" || this.#isOver) return {};
    // The client retries once. A second request that used all of `max_wait` on broken answers is the last one.
    if (sent !== undefined && request.profile.askAgainAfterOutput && request.session.broken === 0) return {};
    // The keys are fine: nothing in a report on them would help.
    const others = attempts.filter(({ verdict }) => verdict?.rule === "resume").length;
    if (others > 0)
      return { final: `${BROKE_OFF}, and ${counted(others, "other answer")} began differently. Ask again.` };
    const exhaustion = describeExhaustion(progress, request, this.#router);
    this.#router.emit(exhaustedEvent(exhaustion));
    return { final: exhaustionSummary(exhaustion) };
  }

  /** The last event of an answer that could not be saved. */
  #giveUp({ final }: Unsaved): Uint8Array | undefined {
    if (this.#isOver) return undefined;
    const { session, profile, dialect = DEFAULT_DIALECT } = this.#run.request;
    session.broken++;
    const event = brokenEvent(profile, {
      dialect,
      message: final ?? BROKE_OFF,
      isFinal: final !== undefined,
      hasOutput: this.#stream.gate.sent() !== undefined,
      inARow: session.broken,
      isElsewhereLeft: this.#run.hasUntriedLane(this.#attempt),
    });
    this.#end("broken");
    return encoder.encode(event);
  }

  #takePending(): Uint8Array | undefined {
    const bytes = this.#pending;
    this.#pending = undefined;
    return bytes;
  }

  /** Sends keep-alives and the reason while calls are held or another lane is sought. */
  #tellOn(): void {
    const { isHolding } = this.#stream.gate;
    if (this.#isOver || !(isHolding || this.#isSearching)) return;
    if (isHolding && !this.#isSearching)
      this.#router.emit({ kind: "writing-call", answer: this.#progress() });
    const hasWritten = this.#hasWritten;
    this.#hasWritten = false;
    if (hasWritten || this.#isSlow || this.#client === undefined) return;
    const written: number | Promise<number> = this.#client.write(KEEP_ALIVE);
    if (typeof written !== "number") void this.#awaitClient(written);
    this.#client.flush();
  }

  #progress(): AnswerProgress {
    const { phase, tool, chars } = this.#stream.gate.progress();
    const named = tool === undefined ? null : providerWords(tool, this.#router.secrets);
    return progressOf(this.#run.request, this.#attempt, { phase, tool: named, chars });
  }

  #silenceAllowedMs(): number {
    const { providers, policy } = this.#run.request.snapshot;
    const limitMs = providers.get(this.#attempt.ref.provider)?.stallTimeoutMs ?? policy.stallTimeoutMs;
    return this.#stream.gate.isFinished ? Math.min(limitMs, AFTER_FINISH_MS) : limitMs;
  }

  #stalled(): void {
    this.#isStalled = true;
    this.#attempt.abort();
  }

  #end(outcome: "served" | "client-gone" | "broken"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#hasLeft = outcome === "client-gone";
    this.#watch.stop();
    this.#forget();
    if (outcome === "served") finishReading(this.#stream, this.#attempt, this.#router.env);
    else this.#attempt.abort();
    this.#run.close(outcome, this.#stream.gate.usage);
  }
}
