import type { Dialect } from "../routing/route.ts";
import { createSseReader } from "../stream/sse.ts";
import { firstChoice, type Meaning, meaningOf } from "../stream/stream-events.ts";
import type { Verdict } from "../verdict/verdict.ts";

/** What one event of an answer adds to a measurement. */
export interface AnswerPiece {
  /** Characters of text and of reasoning. */
  chars: number;
  isReasoning: boolean;
  meaning: Meaning;
  /** Tokens in all, as the provider counts them, where this event tells. */
  tokens: { output: number; reasoning: number } | undefined;
}

type Json = { [key: string]: unknown };

/** The names that chat services have for what a model thinks. Some send it under two of them. */
const REASONING = ["reasoning_content", "reasoning", "reasoning_text"];

/** Reads one event's JSON for what can be measured of it. */
export function readPiece(dialect: Dialect, event: unknown): AnswerPiece {
  const meaning = meaningOf(dialect, event);
  const { text, hasReasoning } = firstChoice(meaning);
  const reasoning = hasReasoning ? reasoningText(dialect, asObject(event)) : "";
  return {
    chars: text.length + reasoning.length,
    isReasoning: reasoning !== "",
    meaning,
    tokens: tokensOf(dialect, asObject(event), meaning),
  };
}

function reasoningText(dialect: Dialect, event: Json): string {
  if (dialect === "responses") return asText(event["delta"]);
  const choices = event["choices"];
  const delta = asObject(asObject(Array.isArray(choices) ? choices[0] : undefined)["delta"]);
  return REASONING.map((field) => asText(delta[field])).find((text) => text !== "") ?? "";
}

function tokensOf(dialect: Dialect, event: Json, { usage }: Meaning): AnswerPiece["tokens"] {
  if (usage?.output === undefined) return undefined;
  const table = asObject(dialect === "chat" ? event["usage"] : asObject(event["response"])["usage"]);
  const details = asObject(table["completion_tokens_details"] ?? table["output_tokens_details"]);
  const reasoning = details["reasoning_tokens"];
  return { output: usage.output, reasoning: typeof reasoning === "number" ? reasoning : 0 };
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function asObject(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

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

const BLANK_LINE = new TextEncoder().encode("\n\n");

/**
 * Measures a streamed answer: it is told when each chunk came, and reads no clock itself. A token is a piece of text or
 * of reasoning; the role, comments and keep-alives are none.
 */
export class RunMeter {
  /** An event that says the answer has failed, as text for the verdict. */
  error: string | undefined;
  /** Whether the end mark has come: nothing that follows matters. */
  isDone = false;

  readonly #dialect: Dialect;
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
    this.#dialect = dialect;
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
    if (data === "[DONE]") {
      this.isDone = true;
      return 0;
    }
    const json = parseJson(data);
    if (json === undefined) return 0;
    const { chars, isReasoning, meaning, tokens } = readPiece(this.#dialect, json);
    // Behind its finish an answer is whole: what fails there fails nobody.
    if (!this.#isFinished) this.error ??= meaning.error;
    this.#tokens = tokens ?? this.#tokens;
    this.#sawReasoning ||= isReasoning;
    const { finish } = firstChoice(meaning);
    this.#isFinished ||= finish !== undefined;
    this.isDone ||= finish !== undefined && this.#dialect === "responses";
    return chars;
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
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
  if (api === "responses") {
    return {
      endpoint: "responses",
      body: { model, input: text, stream: true, max_output_tokens: MAX_TOKENS },
    };
  }
  return {
    endpoint: "chat/completions",
    body: {
      model,
      messages: [{ role: "user", content: text }],
      stream: true,
      ...(form.asksUsage ? { stream_options: { include_usage: true } } : {}),
      [form.limitField]: MAX_TOKENS,
    },
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
