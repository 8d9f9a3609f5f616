import type { DialectSpec } from "../dialect/dialect-spec.ts";
import {
  type EventReader,
  type HubChoice,
  type HubEvent,
  isMeaningful,
  repairFinish,
  type SettleFinish,
  type Usage,
} from "../dialect/hub-answer.ts";
import { type Dialect, dialectSpec } from "../dialect/registry.ts";
import { isObject, type JsonObject, parseJson } from "../json.ts";
import { joinBytes } from "./bytes.ts";
import { ChoiceBook } from "./choice-book.ts";
import type { Continuation, SentAnswer, SentRecord } from "./continuation.ts";
import { EventFastPath } from "./event-fast-path.ts";
import { HeldEvents, KEPT_CHARS, SentText, type WrittenCall, WrittenCalls } from "./held-calls.ts";
import { BLANK_LINE, createSseReader, DONE, EVENT_BYTES, type SseBlock, sseBytes } from "./sse.ts";

export type GateFailure =
  /** The provider reports an error, in words for the verdict. */
  | { kind: "said"; text: string }
  /** The stream violates its dialect. */
  | { kind: "flawed"; why: string }
  /** It ended before it was complete. */
  | { kind: "cut"; why: string }
  /** It ended well but is empty. */
  | { kind: "hollow"; why: string }
  /** It ended well, but a tool call is incomplete. */
  | { kind: "bad-call"; why: string }
  /** Its tool calls are longer than what can be held. */
  | { kind: "too-long"; why: string }
  /** It cannot continue the answer that broke off; no party is at fault. */
  | { kind: "mismatch" };

/** The result of one chunk. */
export interface GateStep {
  /** Bytes for the client; undefined while they are held. */
  pass: Uint8Array | undefined;
  /** The gate cannot be used after a failure. */
  failure: GateFailure | undefined;
  /** Whether the answer advanced: comments, keep-alives and empty chunks do not count. */
  progressed: boolean;
}

/** The result of a stream that has ended. `tail` still has to be sent to the client. */
export type GateEnd =
  | { kind: "complete"; tail: Uint8Array | undefined }
  | { kind: "broken"; failure: GateFailure };

/** What the request asked for, to judge the end of the answer. Evaluated only if needed. */
export interface Asked {
  /** The number of answers. */
  choices: () => number;
  /** Whether an empty answer is valid. */
  mayBeEmpty: () => boolean;
  /** Whether a call with incomplete arguments is passed on, because other lanes wrote it no better. */
  mayHaveBadCalls: () => boolean;
  /** Whether the client can use only the tool calls of another answer. */
  takesCalls: () => boolean;
}

export interface GateOptions {
  dialect: Dialect;
  /** How the client receives a finish reason; default: repaired. */
  settleFinish?: SettleFinish;
  asked?: Partial<Asked>;
  /** Told of each signature of reasoning, before the client gets it. */
  onSeal?: ((seal: string) => void) | undefined;
  /** What the client already has of an answer that broke off. */
  continues?: SentAnswer | undefined;
}

export interface GateProgress {
  phase: "thinking" | "text" | "call";
  /** The name of the tool that is being called. */
  tool: string | undefined;
  /** The length of the text or the arguments so far. */
  chars: number;
}

/** The maximum that is held before the first meaningful event. */
const HEAD_BYTES = 1024 * 1024;

const ENDLESS: GateFailure = { kind: "flawed", why: "an event of the stream has no end" };

const TOO_LONG: GateFailure = {
  kind: "too-long",
  why: "The answer calls tools with more than 4 MiB of arguments, the most that is held until an answer is whole.",
};

const MISMATCH: GateFailure = { kind: "mismatch" };

const encoder = new TextEncoder();

const ANYTHING: Asked = {
  choices: () => 1,
  mayBeEmpty: () => false,
  mayHaveBadCalls: () => false,
  takesCalls: () => true,
};

/**
 * Holds the head of an answer until an event is meaningful, then passes text and reasoning on, and holds everything
 * again from the first tool call until the answer is complete: an agent runs a call as soon as it can read it. Works on
 * complete events, so that an error, a broken event or a misleading end is seen before it is passed on.
 */
export class StreamGate {
  /** True after the end mark: nothing that follows matters. */
  isDone = false;
  /** Token counts, if the provider sent them. */
  usage: Usage | undefined;
  /** Events that were not JSON and were left out. */
  dropped = 0;
  /** Held bytes that are too large for one piece; they are sent before whatever passes. */
  #backlog: Iterable<Uint8Array> | undefined;

  readonly #reader = createSseReader();
  readonly #spec: DialectSpec;
  readonly #events: EventReader;
  readonly #asked: Asked;
  readonly #onSeal: GateOptions["onSeal"];
  readonly #continues: SentAnswer | undefined;
  readonly #continuation: Continuation | undefined;
  readonly #alike: EventFastPath;
  readonly #held = new HeldEvents();
  readonly #calls = new WrittenCalls();
  readonly #choices: ChoiceBook;
  /** What the client received, without held bytes. */
  readonly #sent = { text: new SentText(), reasoning: false, sealed: false, other: false };
  #record: SentRecord | undefined;
  #phase: "head" | "flow" | "held" = "head";
  #hasPassed = false;
  #isFinished = false;
  #progressed = false;

  constructor(options: GateOptions) {
    const { dialect, continues } = options;
    this.#spec = dialectSpec(dialect);
    this.#events = this.#spec.reader();
    this.#alike = new EventFastPath(this.#spec.wordFields);
    this.#onSeal = options.onSeal;
    this.#asked = { ...ANYTHING, ...options.asked };
    this.#choices = new ChoiceBook(this.#spec, options.settleFinish ?? repairFinish);
    this.#continues = continues;
    this.#record = this.#spec.sentRecord?.(continues?.record);
    if (continues === undefined) return;
    this.#continuation = this.#spec.continuation(continues, this.#asked.takesCalls());
    this.#sent.text.add(continues.text);
  }

  /** Whether the answer has shown any content. */
  get isOpen(): boolean {
    return this.#phase !== "head";
  }

  /** Whether tool calls are held: the client receives nothing meanwhile. */
  get isHolding(): boolean {
    return this.#phase === "held";
  }

  /** Whether the answer is complete, even if the connection breaks. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** Must be sent to the client before the bytes of a step. */
  takeBacklog(): Iterable<Uint8Array> | undefined {
    const backlog = this.#backlog;
    this.#backlog = undefined;
    return backlog;
  }

  /** Kept short: nearly every chunk is one event like the last, and the JIT compiler is slow with long functions. */
  push(chunk: Uint8Array): GateStep {
    const bytes = this.#reader.begin(chunk);
    this.#alike.begin(bytes);
    const alike = this.#alikeEnd(0);
    return alike > 0 && alike === bytes.length ? this.#admitWhole(bytes) : this.#admitRest(bytes, alike);
  }

  #admitWhole(bytes: Uint8Array): GateStep {
    this.#reader.keep(bytes, bytes.length);
    if (this.#phase === "flow") return { pass: bytes, failure: undefined, progressed: true };
    return { pass: undefined, failure: this.#hold(bytes), progressed: true };
  }

  /** Parses each event after the known ones at the beginning. */
  #admitRest(bytes: Uint8Array, alike: number): GateStep {
    const out: Uint8Array[] = [];
    let at = alike;
    this.#progressed = at > 0;
    let failure = this.#let(bytes.subarray(0, at), out);
    while (failure === undefined && !this.isDone && at < bytes.length) {
      const block = this.#reader.blockAt(bytes, at);
      if (block === undefined) break;
      const from = at + block.bytes.length;
      failure = this.#admit(block, out);
      at = failure === undefined ? this.#alikeEnd(from) : from;
      this.#progressed ||= at > from;
      failure ??= this.#let(bytes.subarray(from, at), out);
    }
    this.#reader.keep(bytes, at);
    if (this.#reader.rest().length > EVENT_BYTES) failure ??= ENDLESS;
    return { pass: joinAll(out), failure, progressed: this.#progressed };
  }

  /** Where events that contain only further words end. */
  #alikeEnd(from: number): number {
    if (this.#isFinished || this.isDone) return from;
    const end = this.#alike.endFrom(from);
    if (end > from) this.#alike.keepWords(from, end);
    return end;
  }

  /** Call when the upstream has closed the stream cleanly; a broken connection is a cut by itself. */
  end(): GateEnd {
    const out: Uint8Array[] = [];
    if (!this.isDone && this.#reader.rest().length > 0) {
      // The last event may lack its blank line.
      const step = this.push(BLANK_LINE);
      if (step.failure !== undefined) return { kind: "broken", failure: step.failure };
      if (step.pass !== undefined) out.push(step.pass);
    }
    const failure = this.#isFinished ? undefined : this.#endEarly(out);
    if (failure !== undefined) return { kind: "broken", failure };
    const { endEvent } = this.#spec;
    if (endEvent !== undefined && !this.isDone) out.push(encoder.encode(endEvent));
    return { kind: "complete", tail: joinAll(out) };
  }

  /** An end before all requested answers finished: fine if the provider sends fewer answers. */
  #endEarly(out: Uint8Array[]): GateFailure | undefined {
    if (this.#choices.areFinished(1)) return this.#complete(out);
    return {
      kind: "cut",
      why: this.isOpen ? "the stream ended before its end mark" : "the stream was empty",
    };
  }

  /** What the client has of this answer, and of the one that it continues; undefined if nothing. */
  sent(): SentAnswer | undefined {
    if (!this.#hasPassed) return this.#continues;
    const { text, reasoning, sealed, other } = this.#sent;
    const before = this.#continues;
    return {
      text: String(text),
      isTextKept: text.isKept,
      hasReasoning: reasoning || before?.hasReasoning === true,
      isSealed: sealed || before?.isSealed === true,
      hasOther: other || before?.hasOther === true,
      record: this.#record,
    };
  }

  /** For users who wait for the answer. */
  progress(): GateProgress {
    if (this.#phase === "held")
      return { phase: "call", tool: this.#calls.last?.name, chars: this.#calls.chars };
    const { chars } = this.#sent.text;
    return { phase: this.#choices.hasText ? "text" : "thinking", tool: undefined, chars };
  }

  #admit(block: SseBlock, out: Uint8Array[]): GateFailure | undefined {
    if (block.event === undefined) return this.#let(block.bytes, out);
    if (block.event.data === DONE) return this.#admitMark(block.bytes, out);
    const event = parseJson(block.event.data);
    if (event === undefined) {
      this.dropped++;
      return undefined;
    }
    if (!isObject(event)) return this.#let(block.bytes, out);
    const said = this.#events.read(event);
    if (said.error !== undefined)
      // A finished answer is complete, so a later error does not matter.
      return this.#isFinished ? undefined : { kind: "said", text: JSON.stringify(said.error) };
    this.usage = said.usage ?? this.usage;
    this.#progressed ||= said.isProgress;
    if (said.isEnd === true) return this.#admitEnd(block.bytes, out);
    if (this.#isFinished) return this.#admitLate(said, block.bytes, out);
    return this.#admitEvent(event, said, block.bytes, out);
  }

  #admitEvent(
    said: JsonObject,
    meaning: HubEvent,
    saidBytes: Uint8Array,
    out: Uint8Array[],
  ): GateFailure | undefined {
    const seal = meaning.choices[0]?.seal;
    if (seal !== undefined) this.#onSeal?.(seal);
    const call = this.#noteCalls(meaning);
    const settled = this.#choices.note(said, meaning, saidBytes);
    if (settled.kind === "failed") return { kind: "flawed", why: settled.why };
    const { event, bytes, isEnd } = settled;
    const own = this.#continuation?.admit(event, bytes, meaning.choices[0]) ?? {
      bytes: this.#continuation === undefined ? bytes : undefined,
      text: meaning.choices[0]?.text ?? "",
    };
    if (this.#continuation?.state === "mismatch") return MISMATCH;
    if (this.#phase === "head" && own.bytes !== undefined && this.#opens(meaning)) this.#release(out);
    if (isEnd && this.#choices.areFinished(this.#asked.choices())) {
      const failure = this.#complete(out);
      if (failure !== undefined) return failure;
    }
    if (own.bytes === undefined) return undefined;
    if (this.#phase !== "held") this.#noteSent(event, meaning, own.text);
    if (own.bytes === saidBytes) this.#learn(saidBytes, meaning, call);
    return this.#let(own.bytes, out);
  }

  /** Everything is held from the first call on. */
  #noteCalls(meaning: HubEvent): WrittenCall | undefined {
    let last: WrittenCall | undefined;
    for (const choice of meaning.choices)
      for (const piece of choice.calls) last = this.#calls.add(piece, choice.index);
    if (last === undefined || this.#phase === "held") return last;
    this.#phase = "held";
    // The words of known forms are no longer sent.
    this.#alike.forget();
    if (this.#continuation !== undefined) this.#record = this.#continuation.record?.copy();
    return last;
  }

  #opens({ choices }: HubEvent): boolean {
    if (this.#continuation !== undefined && this.#continuation.state !== "on") return false;
    return choices.some(isMeaningful);
  }

  #noteSent(event: JsonObject, { choices }: HubEvent, text: string): void {
    if (this.#continuation !== undefined) {
      this.#record = this.#continuation.record;
      this.#sent.text.add(text);
      return;
    }
    this.#record?.note(event);
    for (const choice of choices) {
      this.#sent.reasoning ||= choice.hasReasoning;
      this.#sent.sealed ||= choice.isSealed;
      const isUnread = choice.hasContent && !this.#choices.hasText;
      this.#sent.other ||= choice.hasOther || isUnread || choice.index !== 0;
    }
    this.#sent.text.add(text);
  }

  #learn(bytes: Uint8Array, { choices, usage }: HubEvent, call: WrittenCall | undefined): void {
    const [choice] = choices;
    if (this.#spec.wordFields === undefined || this.#phase === "head" || usage !== undefined) return;
    if (choice === undefined || choices.length > 1 || choice.finish !== undefined) return;
    // The reasoning of a continuation is left out, event by event.
    if (choice.hasReasoning && this.#continuation !== undefined) return;
    this.#alike.learn(bytes, {
      text: choice.text,
      argumentText: choice.calls.map((piece) => piece.more).join(""),
      keepIn: call?.pieces ?? this.#textFor(choice),
    });
  }

  #textFor(choice: HubChoice): SentText | undefined {
    return choice.text !== "" && this.#phase === "flow" ? this.#sent.text : undefined;
  }

  #admitLate({ choices }: HubEvent, bytes: Uint8Array, out: Uint8Array[]): GateFailure | undefined {
    const isMore = choices.some((choice) => choice.calls.length > 0);
    const isOther = this.#continuation !== undefined && choices.some(isMeaningful);
    return isMore || isOther ? undefined : this.#let(bytes, out);
  }

  /** The end mark of a chat. Some services send it in a dialect that has another one. */
  #admitMark(bytes: Uint8Array, out: Uint8Array[]): GateFailure | undefined {
    const { endEvent, finishEvent } = this.#spec;
    if (endEvent === undefined || finishEvent === undefined) return this.#admitDone(bytes, out);
    return this.#admitEnd(encoder.encode(endEvent), out);
  }

  /** An end mark that is an event. Without a finish before it, the answer gets one if it says something. */
  #admitEnd(bytes: Uint8Array, out: Uint8Array[]): GateFailure | undefined {
    const { finishEvent } = this.#spec;
    const hasCall = this.#calls.count > 0;
    if (!this.#isFinished && finishEvent !== undefined && (hasCall || this.#choices.hasText)) {
      const event = finishEvent(hasCall);
      const failure = this.#admitEvent(event, this.#events.read(event), sseBytes(event), out);
      if (failure !== undefined) return failure;
    }
    return this.#admitDone(bytes, out);
  }

  #admitDone(bytes: Uint8Array, out: Uint8Array[]): GateFailure | undefined {
    this.isDone = true;
    // An empty answer, or one without a finish, is a cut; the end mark must not make it look complete.
    const failure = this.#isFinished ? undefined : this.#endEarly(out);
    if (failure !== undefined) return failure.kind === "cut" ? undefined : failure;
    return this.#let(bytes, out);
  }

  /** Every answer has its finish: release what was held, if allowed. */
  #complete(out: Uint8Array[]): GateFailure | undefined {
    const state = this.#continuation?.state;
    if (state === "matching" || (state === "calls-only" && this.#calls.count === 0)) return MISMATCH;
    if (this.#choices.isHollow && !this.#asked.mayBeEmpty())
      return { kind: "hollow", why: this.#choices.hollowWords };
    if (this.#calls.chars > KEPT_CHARS) return TOO_LONG;
    const fault = this.#calls.fault();
    if (fault !== undefined && this.#choices.isFiltered) this.#held.take();
    else if (fault !== undefined && !this.#asked.mayHaveBadCalls()) return { kind: "bad-call", why: fault };
    this.#isFinished = true;
    this.isDone ||= this.#spec.endEvent === undefined;
    this.#release(out);
    return undefined;
  }

  #let(bytes: Uint8Array, out: Uint8Array[]): GateFailure | undefined {
    if (bytes.length === 0) return undefined;
    if (this.#phase === "flow") {
      out.push(bytes);
      return undefined;
    }
    const failure = this.#hold(bytes);
    if (this.#phase === "head" && this.#held.bytes > HEAD_BYTES) this.#release(out);
    return failure;
  }

  #hold(bytes: Uint8Array): GateFailure | undefined {
    this.#held.add(bytes);
    const isTooLong = this.#held.isTooMuch || this.#calls.chars > KEPT_CHARS;
    return this.#phase === "held" && isTooLong ? TOO_LONG : undefined;
  }

  #release(out: Uint8Array[]): void {
    this.#phase = "flow";
    this.#hasPassed = true;
    if (this.#held.isSmall) out.push(...this.#held.take());
    else this.#backlog = chain(out.splice(0), this.#held.take());
  }
}

function* chain(first: readonly Uint8Array[], then: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield* first;
  yield* then;
}

function joinAll(parts: readonly Uint8Array[]): Uint8Array | undefined {
  return parts.length === 0 ? undefined : joinBytes(parts);
}
