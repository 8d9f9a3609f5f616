import type { ReplyHead } from "../../core/http/reply-head.ts";
import { HeaderFields } from "../../core/http/reply-headers.ts";
import { joinBytes } from "../../core/stream/join-bytes.ts";
import type { ByteReader, Reply, ReplyBody } from "../reply.ts";

/** The connection that an exchange goes over. */
export interface Carrier {
  pause: () => void;
  resume: () => void;
  /** Ends it, wherever it stands. */
  drop: () => void;
}

type Chunk = Awaited<ReturnType<ByteReader["read"]>>;

const ENDED: Chunk = { done: true, value: undefined };

/** What nobody has read yet stays with the provider from here on. */
const MOST_WAITING_BYTES = 256 * 1024;

/** One request and what comes back for it: a connection pushes it in, a reader takes it out. */
export class Exchange implements ReplyBody {
  readonly #head = Promise.withResolvers<Reply>();
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #reader: PromiseWithResolvers<Chunk> | undefined;
  #carrier: Carrier | undefined;
  #isPaused = false;
  #isOver = false;
  #failure: unknown;

  /** Fails where no head comes. */
  get reply(): Promise<Reply> {
    return this.#head.promise;
  }

  carriedBy(carrier: Carrier): void {
    this.#carrier = carrier;
  }

  begin({ status, fields, framing }: ReplyHead): void {
    const isEmpty = framing.kind === "length" && framing.bytes === 0;
    this.#head.resolve({ status, headers: new HeaderFields(fields), body: isEmpty ? undefined : this });
  }

  push(bytes: Uint8Array): void {
    if (this.#reader !== undefined) {
      this.#answer({ done: false, value: bytes });
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#isPaused || this.#waitingBytes < MOST_WAITING_BYTES) return;
    this.#isPaused = true;
    this.#carrier?.pause();
  }

  /** It has come to its end. */
  finish(): void {
    // Its last bytes may be waiting here; the connection is not to wait with them.
    if (this.#isPaused) this.#carrier?.resume();
    this.#isOver = true;
    this.#carrier = undefined;
    if (this.#reader !== undefined) this.#answer(ENDED);
  }

  /** It will not come to its end. What has come before can still be read. */
  fail(failure: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#carrier = undefined;
    this.#failure = failure;
    this.#head.reject(failure);
    this.#reader?.reject(failure);
    this.#reader = undefined;
  }

  read(): Promise<Chunk> {
    const value = this.#waiting.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value: this.#taken(value) });
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isOver) return Promise.resolve(ENDED);
    this.#reader = Promise.withResolvers<Chunk>();
    return this.#reader.promise;
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array[] = [];
    for (;;) {
      const { done, value } = await this.read();
      // Nothing here is shared between threads.
      if (done) return joinBytes(parts) as Uint8Array<ArrayBuffer>;
      parts.push(value);
    }
  }

  async cancel(): Promise<void> {
    this.abort();
  }

  /** Nobody wants the rest: the connection, whose state only the rest would have settled, ends with it. */
  abort(): void {
    const carrier = this.#carrier;
    this.#waiting.length = 0;
    this.fail(new DOMException("The call was broken off.", "AbortError"));
    carrier?.drop();
  }

  #answer(chunk: Chunk): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.resolve(chunk);
  }

  #taken(value: Uint8Array): Uint8Array {
    this.#waitingBytes -= value.length;
    if (this.#isPaused && this.#waitingBytes === 0) {
      this.#isPaused = false;
      this.#carrier?.resume();
    }
    return value;
  }
}
