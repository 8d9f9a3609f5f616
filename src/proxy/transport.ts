import { TOKEN_HEADER } from "../core/client/token-header.ts";
import { DEFAULT_DIALECT, type Dialect, dialectSpec } from "../core/dialect/registry.ts";

/** A reply that `fetch` has brought. */
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

/** Hop-by-hop headers (RFC 9110 §7.6.1) and what Bun sets by itself. */
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

/** What tells of the client or its machine and is no business of an upstream. */
const PRIVATE = [
  "authorization",
  "cookie",
  "origin",
  "forwarded",
  "via",
  "x-real-ip",
  // The token, or a key of the user's own that is for its own provider only.
  TOKEN_HEADER,
  "x-api-key",
  "api-key",
  "x-goog-api-key",
];

/** What must not come back: encodings that are undone, cookies, and waits that opencode would sit out. */
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

/** The headers of a call to the upstream: the client's, less what is private or per hop, with the key. */
export function upstreamHeaders(
  client: Headers,
  secret: string,
  dialect: Dialect = DEFAULT_DIALECT,
): Record<string, string> {
  const headers = kept(client, NOT_UP_SET);
  const [name, value] = dialectSpec(dialect).authHeader(secret);
  headers[name] = value;
  // What is looked into has to be plain; an upstream that packs all the same is unpacked.
  headers["accept-encoding"] = "identity";
  return headers;
}

/** The headers without any that holds the token, whatever its name; the very same where there is none. */
export function withoutToken(given: Headers, token: string): Headers {
  const all = given.toJSON();
  const holders = Object.keys(all).filter((name) => !NOT_UP_SET.has(name) && all[name]?.includes(token));
  if (holders.length === 0) return given;
  const kept = new Headers(given);
  for (const name of holders) kept.delete(name);
  return kept;
}

/** A query, with its question mark, without any value that holds the token. */
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

/** The headers of an answer to the client. */
export function clientHeaders(upstream: Headers): Record<string, string> {
  return kept(upstream, NOT_DOWN_SET);
}

/** One pass over a plain copy: Bun's own iteration costs three times as much, taking names out a call each. */
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

/** Bun itself refuses a longer head than this. */
const BUN_HEAD_BYTES = 16 * 1024;

/** Whether the characters in the head of a request are more than allowed; counted only where Bun allows more. */
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

/** A header value may hold visible ASCII only; names of keys are the user's and may hold anything. */
export function headerSafe(text: string): string {
  if (VISIBLE.test(text)) return text;
  return text.toWellFormed().replace(/[^\x20-\x7e]/gu, (char) => encodeURIComponent(char));
}

/** One call to a provider. */
export interface UpstreamCall {
  url: string;
  method: string;
  headers: Headers;
  secret: string;
  /** Says where the key goes. */
  dialect?: Dialect | undefined;
  body: Uint8Array<ArrayBuffer> | undefined;
}

/** How calls are made. */
export type Transport = (call: UpstreamCall) => CallUnderWay;

/** A call that has gone out. */
export interface CallUnderWay {
  reply: Promise<Reply>;
  /** Breaks it off, at whatever point. */
  abort: () => void;
}

/** Makes a call by `fetch`, with the key in its one place. */
export function startCall(call: UpstreamCall): CallUnderWay {
  const controller = new AbortController();
  const reply = send({ ...call, signal: controller.signal }).then(fetchedReply);
  return { reply, abort: () => controller.abort() };
}

/** The same call as a plain response. Redirects come back as they are: a key is for its own origin only. */
export function send(call: UpstreamCall & { signal: AbortSignal }): Promise<Response> {
  return fetch(call.url, {
    method: call.method,
    headers: upstreamHeaders(call.headers, call.secret, call.dialect),
    body: call.body ?? null,
    redirect: "manual",
    signal: call.signal,
    // Bun's own limit of silence (6 minutes) would cut thinking models; ours are settings.
    timeout: false,
    // Bun would undo an encoding by itself, but it prints what it cannot undo, into the middle of opencode's screen.
    decompress: false,
  } as RequestInit);
}

/** What is used of a reader; Bun's own type asks for more. */
export type ByteReader = Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">;

/** The body of a reply, read bit by bit or in one piece. */
export interface ReplyBody extends ByteReader {
  /** All of it; only where nothing has been read yet. */
  bytes: () => Promise<Uint8Array<ArrayBuffer>>;
}

/** What a provider has sent back, as far as its head. */
export interface Reply {
  status: number;
  headers: Headers;
  /** Undefined where there is none. */
  body: ReplyBody | undefined;
}

/**
 * A body carried on unread. Through a pump and not as it is: Bun prints a broken connection of a body it relays by
 * itself, and that would land in the middle of opencode's screen.
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
          // A client that left while we read has already been taken care of.
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

/** Encodings that an upstream may use although it was asked not to. */
const FORMATS = new Map<string, ConstructorParameters<typeof DecompressionStream>[0]>([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
  ["br", "brotli"],
  ["zstd", "zstd"],
]);

/** The same reply, its body as it was before it was packed. */
export function unpacked(reply: Reply): Reply {
  const encoding = reply.headers.get("content-encoding");
  const format = encoding === null ? undefined : FORMATS.get(encoding.trim().toLowerCase());
  if (format === undefined || reply.body === undefined) return reply;
  const packed = passThrough(reply.body) as ReadableStream<Uint8Array<ArrayBuffer>>;
  const plain = packed.pipeThrough(new DecompressionStream(format));
  return { ...fetchedReply(new Response(plain)), status: reply.status, headers: reply.headers };
}

/** Calls to providers that Bun makes at once in a process; further ones stand in a line of its own, in silence. */
const CALLS_AT_ONCE = Number(process.env["BUN_CONFIG_MAX_HTTP_REQUESTS"]) || 256;

/** Counts the calls under way: while there are more than can be made at once, a silence says nothing of a provider. */
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

  /** Until when some call may not have been made yet. */
  untilMs(nowMs: number): number {
    return this.#calls > CALLS_AT_ONCE ? nowMs : this.#wasCrowdedMs;
  }
}

/** Says that something is larger than a limit of the settings allows, and which one that is. */
export function overLimit(what: "request" | "answer", maxBytes: number, setting: string): string {
  const mib = Math.round((maxBytes / 1024 / 1024) * 10) / 10;
  return `The ${what} is larger than ${mib} MiB, the limit that config.toml sets as ${setting} under [limits].`;
}

/** An answer in one piece is longer than may be held; it is read no further. */
export class AnswerTooLong extends Error {
  constructor(maxBytes: number) {
    super(overLimit("answer", maxBytes, "answer_bytes"));
  }
}
