import type { AnswerNames } from "../core/dialect/hub-answer.ts";
import { traitsOf, UNKNOWN_MODEL } from "../core/dialect/model-traits.ts";
import { type Dialect, dialectSpec } from "../core/dialect/registry.ts";
import {
  createEventBytes,
  type EventBytes,
  encodeEvents,
  type Translating,
  translateRequest,
  translateWholeAnswer,
  wholeAnswerEvents,
} from "../core/dialect/translate.ts";
import { isObject, type JsonObject, parseJsonBytes } from "../core/json.ts";
import { looksLikeEvents } from "../core/stream/sse.ts";
import type { Env } from "./env.ts";
import type { ModelRequest } from "./read-request.ts";
import { AnswerTooLong, type ByteReader } from "./transport.ts";

export interface TranslatedReaderOptions {
  source: ByteReader;
  contentType: string;
  /** From the provider's dialect into the client's. */
  way: Translating;
  names: AnswerNames;
  isStreamWanted: boolean;
  /** The longest complete answer. */
  maxBytes: number;
  env: Pick<Required<Env>, "after">;
}

/** After the finish only usage and the end mark can follow. */
const AFTER_FINISH_MS = 3_000;

/** Enough to tell a stream from anything else: the longest field name is `retry:`. */
const TELLING_CHARS = 6;

type Chunk = Awaited<ReturnType<ByteReader["read"]>>;

const ENDED: Chunk = { done: true, value: undefined };
const NOTHING = new Uint8Array(0);

/**
 * Reads a provider's reply in the client's dialect: a stream event by event, a complete answer once it has arrived.
 * Anything else is passed unchanged, to be classified.
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

  /** Never returns an empty chunk. */
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
    this.#events = createEventBytes(this.#given.way, this.#given.names);
    return this.#events;
  }

  /** After the finish neither silence nor a broken connection affects the answer. */
  async #next(): Promise<Chunk> {
    const { source } = this.#given;
    if (this.#events?.isFinished !== true) return source.read();
    this.#deadline ??= this.#startDeadline();
    return Promise.race([source.read().catch(() => ENDED), this.#deadline]);
  }

  /** One deadline for everything that follows: keep-alives do not extend it. */
  #startDeadline(): Promise<Chunk> {
    const { source, env } = this.#given;
    const { promise, resolve } = Promise.withResolvers<Chunk>();
    this.#callOff = env.after(AFTER_FINISH_MS, () => {
      resolve(ENDED);
      void source.cancel().catch(() => {});
    });
    return promise;
  }

  #push(chunk: Uint8Array): Uint8Array {
    if (this.#events !== undefined) return this.#events.push(chunk);
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > this.#given.maxBytes) throw new AnswerTooLong(this.#given.maxBytes, true);
    if (this.#isWhole) return NOTHING;
    const start = new TextDecoder().decode(Buffer.concat(this.#parts)).trimStart();
    if (start.length < TELLING_CHARS) return NOTHING;
    this.#isWhole = !looksLikeEvents(start);
    return this.#isWhole ? NOTHING : this.#beginEvents().push(Buffer.concat(this.#parts));
  }

  #end(): Uint8Array {
    return this.#events === undefined ? this.#whole(Buffer.concat(this.#parts)) : this.#events.end();
  }

  #whole(body: Uint8Array): Uint8Array {
    const { way, names, isStreamWanted } = this.#given;
    const answer = parseJsonBytes(body);
    // Some providers ignore `stream`; a client that asked for a stream cannot read a plain body.
    if (isStreamWanted) {
      const events = wholeAnswerEvents(way, answer, names);
      return events === undefined ? body : encodeEvents(events);
    }
    const translated = translateWholeAnswer(way, answer, names);
    return translated === undefined ? body : new TextEncoder().encode(JSON.stringify(translated));
  }
}

/** A call to a provider with another dialect. */
export interface TranslatedCall {
  kind: "translated";
  /** The provider's endpoint, relative to its base URL. */
  endpoint: string;
  body: Uint8Array<ArrayBuffer>;
  /** Translates a good reply, a stream or a complete answer. Anything else is passed unchanged. */
  reader: (source: ByteReader, contentType: string, maxBytes?: number) => ByteReader;
}

export interface CallTarget {
  api: Dialect;
  model: string;
  /** Absent: nothing is known of the model. */
  provider?: { id: string; baseUrl: string };
  outputLimit?: number | undefined;
}

/**
 * Undefined if nothing has to be translated. A request that the other dialect cannot express is not sent: `why` names
 * the feature.
 */
export function translateCall(
  request: Pick<ModelRequest, "id" | "body" | "dialect" | "endpoint" | "profile"> & {
    sessionId?: string | undefined;
  },
  target: CallTarget,
  env: Pick<Required<Env>, "now" | "after">,
): TranslatedCall | { kind: "untranslatable"; why: string } | undefined {
  const { id, dialect, endpoint, body, profile } = request;
  if (dialect === undefined || dialect === target.api) return undefined;
  const asked = parseObject(body);
  if (asked === undefined)
    return { kind: "untranslatable", why: "the body of the request is no JSON object" };
  const way = { from: dialect, to: target.api, leavesOutHosted: profile.isAgent };
  const { provider, model, outputLimit } = target;
  const traits = provider === undefined ? UNKNOWN_MODEL : traitsOf(provider, model);
  const about = { traits, outputLimit, session: request.sessionId };
  const translated = translateRequest(way, { ...asked, model }, about);
  if (translated.kind === "untranslatable") return { kind: "untranslatable", why: translated.why };
  const names: AnswerNames = {
    id: id.replaceAll("-", ""),
    model: target.model,
    createdS: Math.floor(env.now() / 1000),
    wantsUsage: translated.wantsUsage,
    family: traits.family,
    tools: translated.tools,
  };
  const isStreamWanted = asked["stream"] === true;
  return {
    kind: "translated",
    endpoint: dialectSpec(target.api).path + queryOf(endpoint),
    body: new TextEncoder().encode(JSON.stringify(translated.body)),
    reader: (source, contentType, maxBytes = Number.POSITIVE_INFINITY) =>
      new TranslatedReader({
        source,
        contentType,
        way: { from: target.api, to: dialect },
        names,
        isStreamWanted,
        maxBytes,
        env,
      }),
  };
}

/** `beta=true` is for the dialect of the client. */
function queryOf(endpoint: string): string {
  const at = endpoint.indexOf("?");
  const query = at < 0 ? "" : endpoint.slice(at);
  return query === "?beta=true" ? "" : query;
}

function parseObject(body: Uint8Array | undefined): JsonObject | undefined {
  const value = body === undefined ? undefined : parseJsonBytes(body);
  return isObject(value) ? value : undefined;
}
