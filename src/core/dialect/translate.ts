import { isFilled, isObject, type JsonObject, parseJson, pick } from "../json.ts";
import { WrittenCalls } from "../stream/held-calls.ts";
import {
  BLANK_LINE,
  createSseReader,
  DONE,
  DONE_EVENT,
  EVENT_BYTES,
  type SseBlock,
  sseText,
} from "../stream/sse.ts";
import { carriesError } from "../verdict/reply-body.ts";
import type { DialectSpec } from "./dialect-spec.ts";
import {
  type AnswerNames,
  type CallPiece,
  firstChoice,
  type HubChoice,
  type HubEvent,
  repairFinish,
  type Usage,
  type WireEvent,
} from "./hub-answer.ts";
import type { RequestTarget } from "./hub-request.ts";
import { type Dialect, dialectSpec } from "./registry.ts";

export interface Translating {
  from: Dialect;
  to: Dialect;
  /** Leave out tools that the provider would run itself: agents list them in every request and do without. */
  leavesOutHosted?: boolean;
}

export interface Translated {
  kind: "translated";
  body: JsonObject;
  wantsUsage: boolean;
  /** For the way back. */
  tools: AnswerNames["tools"];
}

/** A request with something that the other dialect cannot express. */
export interface Untranslatable {
  kind: "untranslatable";
  /** For example `stop`, or `tools of the type web_search`. */
  field: string;
  /** The whole sentence, for logs and reports. */
  why: string;
}

export type Translation = Translated | Untranslatable;

/** Translates a request. The reason for a failure is the first thing that the hub or the target cannot express. */
export function translateRequest(
  { from, to, leavesOutHosted }: Translating,
  body: JsonObject,
  about?: RequestTarget,
): Translation {
  const target = dialectSpec(to);
  const unsaid: string[] = [];
  const request = dialectSpec(from).readRequest(body, unsaid);
  if (leavesOutHosted !== true) unsaid.push(...(request.hosted ?? []));
  const written = target.writeRequest(request, unsaid, about);
  const [field] = unsaid;
  if (field !== undefined)
    return { kind: "untranslatable", field, why: `${field} cannot be said in the ${target.title} dialect` };
  const { wantsUsage, toolOrigins: tools } = request;
  return { kind: "translated", body: pick(written, Object.keys(written)), wantsUsage, tools };
}

interface PassedCall {
  number: number;
  hasArguments: boolean;
}

/**
 * Translates the events of one answer. Decides for all dialects which pieces form a call, the ids of calls, the finish
 * reason, and when usage is complete.
 */
export class AnswerTranslator {
  readonly #names: AnswerNames;
  readonly #from: DialectSpec;
  readonly #reader: ReturnType<DialectSpec["reader"]>;
  readonly #writer: ReturnType<DialectSpec["writer"]>;
  readonly #calls = new WrittenCalls();
  readonly #passed = new Map<object, PassedCall>();
  #hasSpoken = false;
  #finish: string | undefined;
  #usage: Usage | undefined;
  #isOver = false;

  constructor({ from, to }: Translating, names: AnswerNames) {
    this.#names = names;
    this.#from = dialectSpec(from);
    this.#reader = this.#from.reader();
    this.#writer = dialectSpec(to).writer(names);
  }

  /** Whether the answer is complete: only usage and end marks can follow. */
  get isFinished(): boolean {
    return this.#isOver || this.#finish !== undefined;
  }

  push(event: WireEvent): WireEvent[] {
    if (this.#isOver) return [];
    if (event === DONE) return this.end();
    const said = this.#reader.read(event);
    // An error after the finish does not matter: the answer is complete.
    if (said.error !== undefined) return this.#finish === undefined ? this.fail(errorIn(said.error)) : [];
    const out = said.head === undefined ? [] : this.#writer.begin(said.head);
    const choice = firstChoice(said);
    this.#usage = said.usage ?? this.#usage;
    if (this.#finish === undefined) {
      out.push(...this.#speak(choice));
      const failed = this.#settle(choice.finish ?? this.#finishAt(said));
      if (failed !== undefined) return [...out, ...this.fail({ message: failed })];
    }
    // Usage may follow the finish, and some dialects need it in their last event.
    const isLast = said.usage !== undefined || said.isEnd === true || this.#from.endEvent === undefined;
    return this.#finish !== undefined && isLast ? [...out, ...this.end()] : out;
  }

  /** The final events after the provider has closed the stream. Empty if the answer was cut off. */
  end(): WireEvent[] {
    if (this.#isOver || this.#finish === undefined) return [];
    this.#isOver = true;
    return [...this.#openNameless(), ...this.#writer.finish({ finish: this.#finish, usage: this.#usage })];
  }

  fail(error: JsonObject): WireEvent[] {
    this.#isOver = true;
    return this.#writer.fail(error);
  }

  /** An end mark without a finish reason, behind an answer that says something. */
  #finishAt({ isEnd }: HubEvent): string | undefined {
    if (isEnd !== true || !(this.#hasSpoken || this.#calls.count > 0)) return undefined;
    return this.#calls.count > 0 ? "tool_calls" : "stop";
  }

  #speak({ reasoning, text, refusal, calls, late }: HubChoice): WireEvent[] {
    return [
      ...this.#write("reasoning", reasoning),
      ...this.#write("text", text),
      ...this.#write("refusal", refusal),
      ...calls.flatMap((piece) => this.#call(piece)),
      ...late.flatMap((part) =>
        part.kind === "call" ? this.#call(part.piece) : this.#write(part.kind, part.text),
      ),
    ];
  }

  #write(kind: "reasoning" | "text" | "refusal", text: string): WireEvent[] {
    if (text === "") return [];
    this.#hasSpoken ||= kind !== "reasoning";
    return this.#writer.write(kind, text);
  }

  /** Clients need the name first, so earlier pieces wait for it. */
  #call(piece: CallPiece): WireEvent[] {
    // Requests with freeform tools are not translated, so the client has no such tool.
    if (piece.isFreeform) return [];
    const call = this.#calls.add(piece);
    const passed = this.#passed.get(call);
    if (passed !== undefined) return this.#argue(passed, piece.more || wholeOf(passed, piece));
    if (call.name === "") return [];
    const written = String(call.pieces);
    return this.#open(call, written === "" ? (call.whole ?? "") : written);
  }

  #open(call: { id: string; name: string }, written: string): WireEvent[] {
    const passed = { number: this.#passed.size, hasArguments: false };
    this.#passed.set(call, passed);
    const id = call.id || `call_${this.#names.id}_${passed.number}`;
    return [...this.#writer.openCall(passed.number, id, call.name), ...this.#argue(passed, written)];
  }

  #argue(call: PassedCall, text: string): WireEvent[] {
    if (text === "") return [];
    call.hasArguments = true;
    return this.#writer.writeArguments(call.number, text);
  }

  #openNameless(): WireEvent[] {
    return this.#calls.all
      .filter((call) => !this.#passed.has(call))
      .flatMap((call) => this.#open(call, String(call.pieces) || (call.whole ?? "")));
  }

  /** Returns why the answer has failed, if the reason contradicts it. */
  #settle(reason: string | undefined): string | undefined {
    if (reason === undefined) return undefined;
    const finish = repairFinish(reason, { text: this.#hasSpoken, toolCall: this.#calls.count > 0 });
    if (finish.kind === "failed") return finish.why;
    this.#finish = finish.kind === "rewrite" ? finish.reason : reason;
    return undefined;
  }
}

/** The complete arguments, if none of their pieces was sent. */
function wholeOf(call: PassedCall, { whole }: CallPiece): string {
  return call.hasArguments ? "" : (whole ?? "");
}

/** The error with the fields next to it: some providers put the code there. */
function errorIn(event: JsonObject): JsonObject {
  const { error, ...beside } = event;
  const marks = Object.fromEntries(Object.entries(beside).filter(([, value]) => isScalar(value)));
  const said = isObject(error) ? { ...marks, ...error } : { ...marks, message: error };
  const isSilent = !Object.values(said).some(isFilled);
  return isSilent ? { message: "the provider says that its answer has failed" } : said;
}

function isScalar(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number";
}

/** Translates the bytes of an event stream, in any split. */
export interface EventBytes {
  push: (chunk: Uint8Array) => Uint8Array;
  end: () => Uint8Array;
  /** Whether the answer is complete, even before its end mark. */
  readonly isFinished: boolean;
}

export function createEventBytes(way: Translating, names: AnswerNames): EventBytes {
  const reader = createSseReader();
  const translator = new AnswerTranslator(way, names);
  const turn = ({ bytes, event }: SseBlock): Uint8Array => {
    // Comments are the same in every dialect.
    if (event === undefined) return bytes;
    const parsed = event.data === DONE ? DONE : parseJson(event.data);
    // The gate counts events that are not JSON.
    return parsed === DONE || isObject(parsed) ? encodeEvents(translator.push(parsed)) : bytes;
  };
  const push = (chunk: Uint8Array): Uint8Array => {
    const parts = reader.push(chunk).map(turn);
    if (reader.rest().length > EVENT_BYTES)
      parts.push(encodeEvents(translator.fail({ message: "an event of the stream has no end" })));
    return Buffer.concat(parts);
  };
  return {
    push,
    end: () => {
      const last = reader.rest().length > 0 ? push(BLANK_LINE) : new Uint8Array(0);
      return Buffer.concat([last, encodeEvents(translator.end())]);
    },
    get isFinished() {
      return translator.isFinished;
    },
  };
}

const encoder = new TextEncoder();

export function encodeEvents(events: readonly WireEvent[]): Uint8Array {
  return encoder.encode(events.map((event) => (event === DONE ? DONE_EVENT : sseText(event))).join(""));
}

/**
 * Translates a complete answer into events. It is read as a stream, so that streams and complete answers share one
 * translation. Undefined for errors and unfinished answers.
 */
export function wholeAnswerEvents(
  way: Translating,
  answer: unknown,
  names: AnswerNames,
): WireEvent[] | undefined {
  if (!isObject(answer) || carriesError({ event: "", value: answer })) return undefined;
  const events = dialectSpec(way.from).eventsOf(answer);
  if (events === undefined) return undefined;
  const translator = new AnswerTranslator(way, names);
  const out = [...events.flatMap((event) => translator.push(event)), ...translator.end()];
  return translator.isFinished ? out : undefined;
}

export function translateWholeAnswer(
  way: Translating,
  answer: unknown,
  names: AnswerNames,
): JsonObject | undefined {
  const events = wholeAnswerEvents(way, answer, { ...names, wantsUsage: true });
  return events === undefined ? undefined : dialectSpec(way.to).wholeOf(events);
}

/**
 * A complete answer as a stream in its own dialect: some providers ignore `stream`, and a client may misread the body as an
 * empty answer. Undefined if it is not a finished answer.
 */
export function streamOfWhole(dialect: Dialect, answer: unknown): string | undefined {
  const { eventsOf, endEvent = "" } = dialectSpec(dialect);
  const events = isObject(answer) ? eventsOf(answer) : undefined;
  return events === undefined ? undefined : events.map(sseText).join("") + endEvent;
}
