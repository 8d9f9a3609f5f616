import type { TranslatorOptions } from "../core/dialect/answer-event.ts";
import { createEventBytes, type EventBytes, encodeEvents } from "../core/dialect/event-bytes.ts";
import { translateWholeAnswer, wholeAnswerEvents } from "../core/dialect/whole-answer.ts";
import type { Dialect } from "../core/routing/route.ts";
import { AnswerTooLong } from "./answer-too-long.ts";
import type { Chance } from "./chance.ts";
import type { ByteReader } from "./reply.ts";

export interface TranslatedReaderOptions {
  source: ByteReader;
  contentType: string;
  /** The provider's dialect. */
  from: Dialect;
  options: TranslatorOptions;
  isStreamWanted: boolean;
  /** The longest answer in one piece. */
  maxBytes: number;
  chance: Pick<Required<Chance>, "after">;
}

/** Silence behind the finish of an answer: only the count of tokens and the end mark can still come. */
const AFTER_FINISH_MS = 3_000;

/** Enough of a body to tell a stream from anything else: the longest name of a line is `retry:`. */
const TELLING_CHARS = 6;

type Chunk = Awaited<ReturnType<ByteReader["read"]>>;

const ENDED: Chunk = { done: true, value: undefined };
const NOTHING = new Uint8Array(0);

/**
 * Reads a provider's reply in the client's dialect: a stream event by event, a whole answer once it is all there.
 * What is neither comes unchanged, to be judged by its own words.
 */
export class TranslatedReader implements ByteReader {
  readonly #given: TranslatedReaderOptions;
  #events: EventBytes | undefined;
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;
  #isWhole = false;
  #isOver = false;
  #deadline: Promise<Chunk> | undefined;
  #callOff = (): void => {};

  constructor(given: TranslatedReaderOptions) {
    this.#given = given;
    if (given.contentType.includes("text/event-stream")) this.#beginEvents();
  }

  /** The next bytes for the client. Never an empty chunk. */
  async read(): Promise<Chunk> {
    while (!this.#isOver) {
      const { done, value } = await this.#next();
      if (done) this.#close();
      const bytes = done ? this.#end() : this.#push(value);
      if (bytes.length > 0) return { done: false, value: bytes };
    }
    return ENDED;
  }

  async cancel(reason?: unknown): Promise<void> {
    this.#close();
    await this.#given.source.cancel(reason);
  }

  #close(): void {
    this.#isOver = true;
    this.#callOff();
  }

  #beginEvents(): EventBytes {
    this.#events = createEventBytes(this.#given.from, this.#given.options);
    return this.#events;
  }

  /** Behind the finish neither silence nor a broken connection takes anything away from the answer. */
  async #next(): Promise<Chunk> {
    const { source } = this.#given;
    if (this.#events?.isFinished !== true) return source.read();
    this.#deadline ??= this.#startDeadline();
    return Promise.race([source.read().catch(() => ENDED), this.#deadline]);
  }

  /** One for all that follows: keep-alives do not put it off. */
  #startDeadline(): Promise<Chunk> {
    const { source, chance } = this.#given;
    const { promise, resolve } = Promise.withResolvers<Chunk>();
    this.#callOff = chance.after(AFTER_FINISH_MS, () => {
      resolve(ENDED);
      void source.cancel().catch(() => {});
    });
    return promise;
  }

  #push(chunk: Uint8Array): Uint8Array {
    if (this.#events !== undefined) return this.#events.push(chunk);
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > this.#given.maxBytes) throw new AnswerTooLong(this.#given.maxBytes);
    if (this.#isWhole) return NOTHING;
    const start = new TextDecoder().decode(Buffer.concat(this.#parts)).trimStart();
    if (start.length < TELLING_CHARS) return NOTHING;
    this.#isWhole = !/^(?:data|event|id|retry)?:/.test(start);
    return this.#isWhole ? NOTHING : this.#beginEvents().push(Buffer.concat(this.#parts));
  }

  #end(): Uint8Array {
    return this.#events === undefined ? this.#whole(Buffer.concat(this.#parts)) : this.#events.end();
  }

  #whole(body: Uint8Array): Uint8Array {
    const { from, options, isStreamWanted } = this.#given;
    const answer = parseJson(body);
    // Some providers ignore `stream`; in place of the stream that was asked for nobody takes a body.
    if (isStreamWanted) {
      const events = wholeAnswerEvents(from, answer, options);
      return events === undefined ? body : encodeEvents(events);
    }
    const translated = translateWholeAnswer(from, answer, options);
    return translated === undefined ? body : new TextEncoder().encode(JSON.stringify(translated));
  }
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}
