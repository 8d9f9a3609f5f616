import { type EventReader, firstChoice } from "../dialect/hub-answer.ts";
import { plainQuestion } from "../dialect/hub-request.ts";
import { type Dialect, dialectSpec } from "../dialect/registry.ts";
import { isObject, type JsonObject, parseJson } from "../json.ts";
import { BLANK_LINE, createSseReader, DONE } from "../stream/sse.ts";
import type { Verdict } from "../verdict/verdict.ts";

/** What one run has shown. */
export interface RunFigures {
  firstTokenMs: number;
  /** Undefined where the answer came in one piece, so that it has no pace. */
  tokensPerSecond: number | undefined;
  /** Whether tokens were counted by characters. */
  isEstimated: boolean;
}

/** Roughly, over programs and English alike. */
const CHARS_PER_TOKEN = 4;

/** An answer that is over within this came out of somebody's buffer. */
const MIN_SPAN_MS = 20;

/**
 * Measures a streamed answer: it is told when each chunk came, and reads no clock itself. A token is a piece of text or
 * of reasoning; the role, comments and keep-alives are none.
 */
export class RunMeter {
  /** An event that says the answer has failed, as text for the verdict. */
  error: string | undefined;
  /** Whether the end mark has come: nothing that follows matters. */
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

  /** `startMs` is when the call was sent. */
  constructor(dialect: Dialect, startMs: number) {
    const spec = dialectSpec(dialect);
    this.#events = spec.reader();
    this.#isFinishEnd = spec.endEvent === undefined;
    this.#startMs = startMs;
  }

  /** Takes what came at that time. True when there was a token in it. */
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

  /** The stream has ended; its last event may lack its blank line. */
  end(atMs: number): void {
    if (!this.isDone) this.push(BLANK_LINE, atMs);
  }

  /** From the call to the first token; undefined until it has come. */
  get firstTokenMs(): number | undefined {
    return this.#firstMs === undefined ? undefined : this.#firstMs - this.#startMs;
  }

  /** Whether the provider has said that the answer is over. */
  get isFinished(): boolean {
    return this.#isFinished || this.isDone;
  }

  /** Tokens so far, by their characters. */
  get roughTokens(): number {
    return this.#chars / CHARS_PER_TOKEN;
  }

  /** Undefined where no token came at all. */
  figures(): RunFigures | undefined {
    const { firstTokenMs } = this;
    if (this.#firstMs === undefined || firstTokenMs === undefined) return undefined;
    const spanMs = this.#lastMs - this.#firstMs;
    const counted = this.#countedTokens();
    // The clock starts with the first piece, so what was in it took none of the time.
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
    // Behind its finish an answer is whole: what fails there fails nobody.
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

  /** What a model thought in silence was made before the first token was seen. */
  #countedTokens(): number | undefined {
    if (this.#tokens === undefined) return undefined;
    const { output, reasoning } = this.#tokens;
    const shown = this.#sawReasoning ? output : output - reasoning;
    return shown > 0 ? shown : undefined;
  }
}

/** How the question is put: services differ in the fields they take. */
export interface RequestForm {
  /** Chat completions count the tokens of a stream only when asked to. */
  asksUsage: boolean;
  limitField: "max_tokens" | "max_completion_tokens";
}

/** The question as most services take it. */
export const USUAL_FORM: RequestForm = { asksUsage: true, limitField: "max_tokens" };

/** Long enough for a steady pace, short enough to wait for and to pay. */
const MAX_TOKENS = 1024;

/** What is asked: code, and more of it than the limit lets through. */
const TASK =
  "Write a complete TypeScript module with an LRU cache that has a time to live for each entry, a limit by count and " +
  "one by size, statistics, events, and an async loader that never loads the same key twice at once. Add doc comments " +
  "and a full set of unit tests. Answer with the code alone, and leave nothing out.";

/** The endpoint below the provider's address, and the body of one measured call. */
export function benchRequest(
  api: Dialect,
  model: string,
  { form, mark }: { form: RequestForm; mark: string },
): { endpoint: string; body: Record<string, unknown> } {
  // Gateways keep answers: what was asked word for word before would come back from memory, and at once.
  const text = `${TASK} Name the class Cache${mark}.`;
  const { path, writeRequest } = dialectSpec(api);
  const question = plainQuestion(model, text, MAX_TOKENS);
  return { endpoint: path, body: inForm(writeRequest({ ...question, stream: true }, []), form) };
}

/** Only some dialects have the fields that services differ in. */
function inForm(body: JsonObject, { asksUsage, limitField }: RequestForm): JsonObject {
  const { stream_options: usage, max_tokens: limit, ...others } = body;
  return {
    ...others,
    ...(asksUsage && usage !== undefined ? { stream_options: usage } : {}),
    ...(limit === undefined ? {} : { [limitField]: limit }),
  };
}

/** The form to try after a refusal that may be about the form; undefined where nothing is left to change. */
export function easierForm(form: RequestForm, { kind, message }: Verdict): RequestForm | undefined {
  if (kind !== "bad-request") return undefined;
  if (form.limitField === "max_tokens" && message.includes("max_completion_tokens"))
    return { ...form, limitField: "max_completion_tokens" };
  // Who does not know `stream_options` seldom says so by name.
  return form.asksUsage ? { ...form, asksUsage: false } : undefined;
}
