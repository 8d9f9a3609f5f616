import type { ByteReader, Reply, ReplyBody } from "./reply.ts";

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
