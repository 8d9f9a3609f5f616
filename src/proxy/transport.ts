import { TOKEN_HEADER } from "../core/client/client-profile.ts";
import { DIALECT_NAMES, type Dialect, dialectSpec } from "../core/dialect/registry.ts";
import { BEARER, keyHeader } from "../core/key.ts";
import { ownWords, type ProviderWords, providerHeader } from "../core/scrub.ts";
import type { SecretFinder } from "../core/secret-finder.ts";
import { joined } from "../core/stream/bytes.ts";

export function fetchedReply(response: Response): Reply {
  const { status, headers, body } = response;
  return { status, headers, body: body === null ? undefined : new FetchedBody(response, body) };
}

class FetchedBody implements ReplyBody {
  readonly #response: Response;
  readonly #stream: ReadableStream<Uint8Array>;
  #reader: ByteReader | undefined;

  constructor(response: Response, stream: ReadableStream<Uint8Array>) {
    this.#response = response;
    this.#stream = stream;
  }

  read(): ReturnType<ByteReader["read"]> {
    return this.#open().read();
  }

  cancel(reason?: unknown): Promise<void> {
    return this.#open().cancel(reason);
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#response.bytes() as Promise<Uint8Array<ArrayBuffer>>;
  }

  #open(): ByteReader {
    this.#reader ??= this.#stream.getReader() as ByteReader;
    return this.#reader;
  }
}

/** Hop-by-hop headers (RFC 9110 §7.6.1) and those that Bun sets. */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "host",
  "content-length",
  "expect",
];

/** Headers that identify the client or its machine. */
const PRIVATE = [
  "authorization",
  "cookie",
  "origin",
  "forwarded",
  "via",
  "x-real-ip",
  // The token, or a key of the user that is for another provider.
  TOKEN_HEADER,
  "x-api-key",
  "api-key",
  "x-goog-api-key",
];

/** Must not be sent to the client: encodings that are undone, cookies, and waits that opencode would sit out. */
const NOT_DOWN = [
  "content-encoding",
  "set-cookie",
  "retry-after",
  "retry-after-ms",
  "x-should-retry",
  "alt-svc",
];

const NOTHING: readonly string[] = [];
const NOT_UP_SET = new Set([...HOP_BY_HOP, ...PRIVATE]);
const NOT_DOWN_SET = new Set([...HOP_BY_HOP, ...NOT_DOWN]);

/** What the provider needs in the head of a call. */
export interface HeaderNeeds {
  /** Says where the key goes; absent: bearer. */
  auth?: string | undefined;
  /** The dialect that the provider is spoken to in. */
  dialect?: Dialect | undefined;
  /** Whether the client speaks another dialect. */
  isTranslated?: boolean | undefined;
}

function isOfOneDialect(header: string): boolean {
  return DIALECT_NAMES.some((dialect) => dialectSpec(dialect).ownHeaders?.test(header) === true);
}

/** The headers of a call to the upstream: the client's, less what is private or per hop, with the key. */
export function upstreamHeaders(
  client: Headers,
  secret: string,
  { auth = BEARER, dialect, isTranslated = false }: HeaderNeeds = {},
): Record<string, string> {
  const headers = kept(client, NOT_UP_SET);
  if (isTranslated)
    for (const header of Object.keys(headers)) if (isOfOneDialect(header)) delete headers[header];
  const required = dialect === undefined ? undefined : dialectSpec(dialect).requiredHeaders;
  for (const [header, value] of Object.entries(required ?? {})) headers[header] ??= value;
  const [name, value] = keyHeader(auth, secret);
  headers[name] = value;
  // Bodies that are read must be plain; a compressed reply is decompressed anyway.
  headers["accept-encoding"] = "identity";
  return headers;
}

/** Removes every header that contains the token, whatever its name. Without any, returns the same object. */
export function withoutToken(given: Headers, token: string): Headers {
  const all = given.toJSON();
  const holders = Object.keys(all).filter((name) => !NOT_UP_SET.has(name) && all[name]?.includes(token));
  if (holders.length === 0) return given;
  const kept = new Headers(given);
  for (const name of holders) kept.delete(name);
  return kept;
}

/** Removes every value of the query that contains the token. */
export function withoutTokenIn(search: string, token: string): string {
  if (search === "") return search;
  const holdsToken = (part: string): boolean =>
    [...new URLSearchParams(part)].some(([name, value]) => name.includes(token) || value.includes(token));
  const kept = search
    .slice(1)
    .split("&")
    .filter((part) => !holdsToken(part));
  return kept.length === 0 ? "" : `?${kept.join("&")}`;
}

/** The limits of one key among many: some clients show them as the limits of their user. */
const KEY_LIMITS = "anthropic-ratelimit-";

/** The headers of an answer to the client, without secrets, and without those that hold control characters. */
export function clientHeaders(upstream: Headers, secrets: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, given] of Object.entries(kept(upstream, NOT_DOWN_SET))) {
    if (name.startsWith(KEY_LIMITS)) continue;
    const value = providerHeader(given, secrets);
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}

/** One pass over a plain copy: Bun's own iteration costs three times as much, and each delete is a call. */
function kept(given: Headers, dropped: ReadonlySet<string>): Record<string, string> {
  const all = given.toJSON();
  const named = namedByConnection(all["connection"]);
  const headers: Record<string, string> = {};
  for (const name in all) {
    const value = all[name];
    if (value === undefined || dropped.has(name) || name.startsWith("x-forwarded-") || named.includes(name))
      continue;
    headers[name] = value;
  }
  return headers;
}

/** Bun itself rejects a longer head. */
const BUN_HEAD_BYTES = 16 * 1024;

/** Counted only if Bun would accept more. */
export function isHeadTooLong(headers: Headers, maxBytes: number): boolean {
  if (maxBytes >= BUN_HEAD_BYTES) return false;
  const all = headers.toJSON();
  let bytes = 0;
  for (const name in all) bytes += name.length + (all[name]?.length ?? 0);
  return bytes > maxBytes;
}

/** `Connection: close, X-Foo` makes X-Foo hop-by-hop too. */
function namedByConnection(connection: string | undefined): readonly string[] {
  if (connection === undefined || connection === "keep-alive" || connection === "close") return NOTHING;
  return connection.split(",").map((name) => name.trim().toLowerCase());
}

const VISIBLE = /^[\x20-\x7e]*$/;

/** A header value may only contain visible ASCII, but names of keys are the user's choice. */
export function headerSafe(text: string): string {
  if (VISIBLE.test(text)) return text;
  return text.toWellFormed().replace(/[^\x20-\x7e]/gu, (char) => encodeURIComponent(char));
}

/** One call to a provider. */
export interface UpstreamCall extends HeaderNeeds {
  url: string;
  method: string;
  headers: Headers;
  secret: string;
  body: Uint8Array<ArrayBuffer> | undefined;
  /** Whether the call gets a connection that has carried no other. */
  isAlone?: boolean;
}

/** How calls are made. */
export type Transport = (call: UpstreamCall) => CallUnderWay;

export interface CallUnderWay {
  reply: Promise<Reply>;
  /** Aborts the call at any point. */
  abort: () => void;
}

/** Uses `fetch`; the key is only in its own header. */
export function startCall(call: UpstreamCall): CallUnderWay {
  const controller = new AbortController();
  const reply = send({ ...call, signal: controller.signal }).then(fetchedReply);
  return { reply, abort: () => controller.abort() };
}

/** The same call as a plain response. Redirects are returned: a key is for its own origin only. */
export function send(call: UpstreamCall & { signal: AbortSignal }): Promise<Response> {
  return fetch(call.url, {
    method: call.method,
    headers: upstreamHeaders(call.headers, call.secret, call),
    body: call.body ?? null,
    redirect: "manual",
    signal: call.signal,
    keepalive: call.isAlone !== true,
    // Bun's own timeout (6 minutes of silence) would cut thinking models; ours are settings.
    timeout: false,
    // Bun prints what it cannot decompress into the middle of opencode's screen.
    decompress: false,
  } as RequestInit);
}

/** The part of a reader that is used; Bun's own type has more. */
export type ByteReader = Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">;

/** The body of a reply, read in pieces or at once. */
export interface ReplyBody extends ByteReader {
  /** Everything; only before anything was read. */
  bytes: () => Promise<Uint8Array<ArrayBuffer>>;
}

/** A provider's reply up to its head. */
export interface Reply {
  status: number;
  headers: Headers;
  /** Undefined without a body. */
  body: ReplyBody | undefined;
}

/**
 * Copies an unread body instead of returning it: Bun prints a broken connection of a relayed body into the middle of
 * opencode's screen.
 */
export function passThrough(
  reader: ByteReader,
  onEnd: (isWhole: boolean) => void = () => {},
): ReadableStream<Uint8Array> {
  let isOver = false;
  const end = (isWhole: boolean): void => {
    if (isOver) return;
    isOver = true;
    onEnd(isWhole);
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          // The client's departure has already been handled.
          if (isOver) return;
          if (!done) return controller.enqueue(value);
          end(true);
          controller.close();
        } catch (cause) {
          if (isOver) return;
          end(false);
          controller.error(cause);
        }
      },
      cancel() {
        end(false);
        void reader.cancel().catch(() => {});
      },
    },
    { highWaterMark: 0 },
  );
}

/** A body without secrets, also where one comes in two pieces: its beginning is held until the next bytes tell. */
export function withoutSecrets(body: ByteReader, finder: SecretFinder): ByteReader {
  let held: Uint8Array = NO_BYTES;
  const read = async (): ReturnType<ByteReader["read"]> => {
    const { done, value } = await body.read();
    if (done && held.length === 0) return { done, value: undefined };
    const all = joined(held.length === 0 ? undefined : held, value) ?? NO_BYTES;
    const open = done ? all.length : finder.openFrom(all);
    held = all.subarray(open);
    const passed = finder.cleanBytes(all.subarray(0, open));
    return passed.length === 0 ? read() : { done: false, value: passed };
  };
  return { read, cancel: (reason) => body.cancel(reason) };
}

const NO_BYTES = new Uint8Array(0);

/** Encodings that an upstream may use although it was asked not to. */
const FORMATS = new Map<string, ConstructorParameters<typeof DecompressionStream>[0]>([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
  ["br", "brotli"],
  ["zstd", "zstd"],
]);

/** The same reply with a decompressed body. */
export function unpacked(reply: Reply): Reply {
  const encoding = reply.headers.get("content-encoding");
  const format = encoding === null ? undefined : FORMATS.get(encoding.trim().toLowerCase());
  if (format === undefined || reply.body === undefined) return reply;
  const packed = passThrough(reply.body) as ReadableStream<Uint8Array<ArrayBuffer>>;
  const plain = packed.pipeThrough(new DecompressionStream(format));
  return { ...fetchedReply(new Response(plain)), status: reply.status, headers: reply.headers };
}

/** How many requests Bun sends in parallel per process; further ones wait silently in its own queue. */
const CALLS_AT_ONCE = Number(process.env["BUN_CONFIG_MAX_HTTP_REQUESTS"]) || 256;

/** Counts calls in progress: beyond Bun's limit, silence says nothing about a provider. */
export class ConnectionLoad {
  #calls = 0;
  #wasCrowdedMs = 0;

  enter(): void {
    this.#calls++;
  }

  leave(nowMs: number): void {
    if (this.#calls > CALLS_AT_ONCE) this.#wasCrowdedMs = nowMs;
    this.#calls--;
  }

  /** Until when some call may not have been sent yet. */
  untilMs(nowMs: number): number {
    return this.#calls > CALLS_AT_ONCE ? nowMs : this.#wasCrowdedMs;
  }
}

/**
 * Why the end of a reply cannot be trusted: two readers would find it in two places, and what lies behind one of them
 * would be the next reply.
 */
export function framingFault(headers: Headers): ProviderWords | undefined {
  const encoding = headers.get("transfer-encoding")?.trim().toLowerCase();
  if (encoding === undefined) return undefined;
  if (headers.has("content-length")) return ownWords("the reply has both a length and a transfer encoding");
  return encoding === "chunked"
    ? undefined
    : ownWords("the reply has a transfer encoding that orouter does not read");
}

/** Names the setting of the limit. */
export function overLimit(what: "request" | "answer", maxBytes: number, setting: string): string {
  return `The ${what} is larger than ${mibText(maxBytes)}, the limit that config.toml sets as ${setting} under [limits].`;
}

function mibText(bytes: number): string {
  return `${Math.round((bytes / 1024 / 1024) * 10) / 10} MiB`;
}

/** How many times its own size an answer can take that is parsed, translated and turned into a stream. */
const PARSED_SIZE = 32;

/** The longest answer that is parsed as a whole: it takes no more memory than the longest that is passed on. */
export function parsedLimit(answerBytes: number): number {
  return Math.floor(answerBytes / PARSED_SIZE);
}

/** A complete answer that is too long; it is not read further. */
export class AnswerTooLong extends Error {
  constructor(maxBytes: number, isParsed = false) {
    super(
      isParsed
        ? `The answer is larger than ${mibText(maxBytes)}, 1/32 of answer_bytes under [limits] in config.toml: it cannot be passed on unread.`
        : overLimit("answer", maxBytes, "answer_bytes"),
    );
  }
}
