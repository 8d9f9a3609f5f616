import { MalformedReply } from "./malformed-reply.ts";

const LF = 10;
const CR = 13;
const TAB = 9;
const SPACE = 32;
const SEMICOLON = 59;

/** What the next byte is part of. */
type Place = "size" | "extension" | "data" | "data-end" | "trailer-start" | "trailer" | "over";

/** A chunk of four gigabytes has more digits than these. */
const MAX_DIGITS = 8;

/** Extensions and trailers, which nobody reads, need not go on for ever. */
const MAX_IDLE_BYTES = 16 * 1024;

/** Where the data of chunks now stands, and where reading has stopped. */
export interface Unchunked {
  from: number;
  to: number;
  stop: number;
}

/** Undoes the chunked transfer encoding (RFC 9112 §7.1), in whatever pieces it comes. */
export class ChunkedBody {
  #place: Place = "size";
  #left = 0;
  #digits = 0;
  #idleBytes = 0;

  get isOver(): boolean {
    return this.#place === "over";
  }

  /**
   * Moves the data in `bytes`, from `start` on, together in its own place: one piece comes out of one, and a piece that
   * holds a single chunk, as nearly all do, is not copied at all.
   */
  push(bytes: Uint8Array, start: number): Unchunked {
    let from = start;
    let to = start;
    let at = start;
    while (at < bytes.length && this.#place !== "over") {
      if (this.#place !== "data") {
        this.#step(bytes[at] ?? 0);
        at++;
        continue;
      }
      const end = Math.min(bytes.length, at + this.#left);
      this.#left -= end - at;
      if (this.#left === 0) this.#place = "data-end";
      if (to === from) {
        from = at;
        to = end;
      } else {
        bytes.copyWithin(to, at, end);
        to += end - at;
      }
      at = end;
    }
    return { from, to, stop: at };
  }

  /** One byte of what stands around the data. */
  #step(byte: number): void {
    switch (this.#place) {
      case "size":
        this.#readSize(byte);
        break;
      case "extension":
        if (byte === LF) this.#begin();
        else this.#idle();
        break;
      case "data-end":
        if (byte === LF) this.#place = "size";
        else if (byte !== CR) throw new MalformedReply("a chunk is longer than it says");
        break;
      case "trailer-start":
        if (byte === LF) this.#place = "over";
        else if (byte !== CR) this.#place = "trailer";
        this.#idle();
        break;
      case "trailer":
        if (byte === LF) this.#place = "trailer-start";
        this.#idle();
        break;
      case "data":
      case "over":
    }
  }

  #readSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#digits++;
      this.#left = this.#left * 16 + digit;
    } else if (byte === LF) this.#begin();
    else if (byte === CR || byte === SEMICOLON || byte === SPACE || byte === TAB) this.#place = "extension";
    else throw new MalformedReply("a chunk does not say how long it is");
    if (this.#digits > MAX_DIGITS) throw new MalformedReply("a chunk is too long");
  }

  #begin(): void {
    if (this.#digits === 0) throw new MalformedReply("a chunk does not say how long it is");
    this.#digits = 0;
    this.#idleBytes = 0;
    this.#place = this.#left === 0 ? "trailer-start" : "data";
  }

  #idle(): void {
    this.#idleBytes++;
    if (this.#idleBytes > MAX_IDLE_BYTES)
      throw new MalformedReply("there is too much around the reply's body");
  }
}

/** -1 for what is none. */
function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
