import { type EventReader, firstChoice } from "../dialect/hub-answer.ts";
import { plainQuestion } from "../dialect/hub-request.ts";
import { type Dialect, dialectSpec } from "../dialect/registry.ts";
import { isObject, type JsonObject, parseJson } from "../json.ts";
import { BLANK_LINE, createSseReader, DONE } from "../stream/sse.ts";
import type { Verdict } from "../verdict/verdict.ts";

export interface RunFigures {
  firstTokenMs: number;
  /** Undefined if the answer came in one piece. */
  tokensPerSecond: number | undefined;
  /** True if tokens were estimated from characters. */
  isEstimated: boolean;
}

/** A rough average for code and English. */
const CHARS_PER_TOKEN = 4;

/** A shorter answer came out of a buffer, so it has no speed. */
const MIN_SPAN_MS = 20;

/**
 * Reads no clock: the caller passes the arrival time of each chunk. A token is a piece of text or reasoning; the role,
 * comments and keep-alives do not count.
 */
export class RunMeter {
  /** The text of an error event, for the verdict. */
  error: string | undefined;
  /** True after the end mark: nothing that follows matters. */
  isDone = false;

  readonly #events: EventReader;
  readonly #isFinishEnd: boolean;
  readonly #startMs: number;
  readonly #reader = createSseReader();
  #isFinished = false;
  #firstMs: number | undefined;
  #lastMs = 0;
  #chars = 0;
  #firstChars = 0;
  #sawReasoning = false;
  #tokens: { output: number; reasoning: number } | undefined;

  /** `startMs` is when the request was sent. */
  constructor(dialect: Dialect, startMs: number) {
    const spec = dialectSpec(dialect);
    this.#events = spec.reader();
    this.#isFinishEnd = spec.endEvent === undefined;
    this.#startMs = startMs;
  }

  push(chunk: Uint8Array, atMs: number): boolean {
    let hasToken = false;
    for (const { event } of this.#reader.push(chunk)) {
      if (this.isDone) break;
      if (event === undefined) continue;
      const chars = this.#read(event.data);
      if (chars === 0) continue;
      hasToken = true;
      this.#count(chars, atMs);
    }
    return hasToken;
  }

  /** The last event may lack its blank line. */
  end(atMs: number): void {
    if (!this.isDone) this.push(BLANK_LINE, atMs);
  }

  get firstTokenMs(): number | undefined {
    return this.#firstMs === undefined ? undefined : this.#firstMs - this.#startMs;
  }

  /** Whether the provider has said that the answer is complete. */
  get isFinished(): boolean {
    return this.#isFinished || this.isDone;
  }

  get roughTokens(): number {
    return this.#chars / CHARS_PER_TOKEN;
  }

  /** Undefined if no token arrived. */
  figures(): RunFigures | undefined {
    const { firstTokenMs } = this;
    if (this.#firstMs === undefined || firstTokenMs === undefined) return undefined;
    const spanMs = this.#lastMs - this.#firstMs;
    const counted = this.#countedTokens();
    // The clock starts with the first piece, so its text took none of the measured time.
    const share = (this.#chars - this.#firstChars) / this.#chars;
    if (spanMs < MIN_SPAN_MS || share === 0)
      return { firstTokenMs, tokensPerSecond: undefined, isEstimated: false };
    const tokens = (counted ?? this.roughTokens) * share;
    return { firstTokenMs, tokensPerSecond: (tokens * 1000) / spanMs, isEstimated: counted === undefined };
  }

  #read(data: string): number {
    if (data === DONE) {
      this.isDone = true;
      return 0;
    }
    const json = parseJson(data);
    if (!isObject(json)) return 0;
    const said = this.#events.read(json);
    // A finished answer is complete, so a later error does not matter.
    if (!this.#isFinished && said.error !== undefined) this.error ??= JSON.stringify(said.error);
    const { output, reasoning = 0 } = said.usage ?? {};
    if (output !== undefined) this.#tokens = { output, reasoning };
    const choice = firstChoice(said);
    this.#sawReasoning ||= choice.reasoning !== "";
    this.#isFinished ||= choice.finish !== undefined;
    this.isDone ||= choice.finish !== undefined && this.#isFinishEnd;
    return choice.text.length + choice.reasoning.length;
  }

  #count(chars: number, atMs: number): void {
    this.#firstMs ??= atMs;
    this.#lastMs = atMs;
    this.#chars += chars;
    if (atMs === this.#firstMs) this.#firstChars += chars;
  }

  /** Hidden reasoning happened before the first visible token. */
  #countedTokens(): number | undefined {
    if (this.#tokens === undefined) return undefined;
    const { output, reasoning } = this.#tokens;
    const shown = this.#sawReasoning ? output : output - reasoning;
    return shown > 0 ? shown : undefined;
  }
}

/** Services differ in the fields they accept. */
export interface RequestForm {
  /** Chat completions report token counts of a stream only on request. */
  asksUsage: boolean;
  limitField: "max_tokens" | "max_completion_tokens";
}

/** The form that most services accept. */
export const USUAL_FORM: RequestForm = { asksUsage: true, limitField: "max_tokens" };

/** Long enough for a steady speed, short enough to wait and pay for. */
const MAX_TOKENS = 1024;

const TASK =
  "Write a complete TypeScript module with an LRU cache that has a time to live for each entry, a limit by count and " +
  "one by size, statistics, events, and an async loader that never loads the same key twice at once. Add doc comments " +
  "and a full set of unit tests. Answer with the code alone, and leave nothing out.";

/** The endpoint below the provider's address, and the request body. */
export function benchRequest(
  api: Dialect,
  model: string,
  { form, mark }: { form: RequestForm; mark: string },
): { endpoint: string; body: Record<string, unknown> } {
  // Gateways cache answers, so each prompt must differ.
  const text = `${TASK} Name the class Cache${mark}.`;
  const { path, writeRequest } = dialectSpec(api);
  const question = plainQuestion(model, text, MAX_TOKENS);
  return { endpoint: path, body: inForm(writeRequest({ ...question, stream: true }, []), form) };
}

function inForm(body: JsonObject, { asksUsage, limitField }: RequestForm): JsonObject {
  const { stream_options: usage, max_tokens: limit, ...others } = body;
  return {
    ...others,
    ...(asksUsage && usage !== undefined ? { stream_options: usage } : {}),
    ...(limit === undefined ? {} : { [limitField]: limit }),
  };
}

/** The form to try after a refusal that may be about the form; undefined if nothing is left to change. */
export function easierForm(form: RequestForm, { kind, message }: Verdict): RequestForm | undefined {
  if (kind !== "bad-request") return undefined;
  if (form.limitField === "max_tokens" && message.includes("max_completion_tokens"))
    return { ...form, limitField: "max_completion_tokens" };
  // A service that does not know `stream_options` seldom names it in the error.
  return form.asksUsage ? { ...form, asksUsage: false } : undefined;
}
