import type { Dialect } from "../routing/route.ts";
import { createSseReader } from "../stream/sse.ts";
import { firstChoice } from "../stream/stream-events.ts";
import { readPiece } from "./answer-piece.ts";

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
