import { latin1 } from "../stream/latin1.ts";
import { ChunkedBody } from "./chunked-body.ts";
import { MalformedReply } from "./malformed-reply.ts";
import { parseReplyHead, type ReplyHead } from "./reply-head.ts";

/** Providers send some hundred bytes; a head without an end is none. */
const MAX_HEAD_BYTES = 64 * 1024;

const SWITCHING_PROTOCOLS = 101;
const LF = 10;
const CR = 13;

/** Reads one reply, in whatever pieces it comes. */
export class ReplyParser {
  readonly #method: string;
  #start: Uint8Array | undefined;
  #head: ReplyHead | undefined;
  #chunked: ChunkedBody | undefined;
  #left = 0;
  #isOver = false;
  #hasSurplus = false;

  /** `method` is what was asked with. */
  constructor(method: string) {
    this.#method = method;
  }

  /** Undefined until it is all there. */
  get head(): ReplyHead | undefined {
    return this.#head;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether the connection can carry another reply: this one has a tidy end, and nothing has come behind it. */
  get leavesOpen(): boolean {
    return this.#isOver && this.#head?.staysOpen === true && !this.#hasSurplus;
  }

  /** Takes what has come, and returns what of it is body. The bytes are the parser's own from then on. */
  push(bytes: Uint8Array): Uint8Array | undefined {
    if (this.#head !== undefined) return this.#body(bytes, 0);
    const start = this.#start === undefined ? bytes : Buffer.concat([this.#start, bytes]);
    const next = this.#readHead(start);
    return next === undefined || next === start.length ? undefined : this.#body(start, next);
  }

  /** The connection has ended in good order: whether that is an end of the reply, too. */
  end(): boolean {
    if (this.#head?.framing.kind === "until-close") this.#isOver = true;
    return this.#isOver;
  }

  /** Where the body begins, once the head is all there. */
  #readHead(bytes: Uint8Array): number | undefined {
    let from = 0;
    for (let end = endOfHead(bytes, from); end !== undefined; end = endOfHead(bytes, from)) {
      const head = parseReplyHead(latin1(bytes.subarray(from, end.text)), this.#method);
      if (head.status === SWITCHING_PROTOCOLS)
        throw new MalformedReply("the reply changes to another protocol");
      from = end.next;
      // Heads of an interim reply (100, 103) come in front of the one that was asked for.
      if (head.status < 200) continue;
      this.#begin(head);
      return from;
    }
    if (bytes.length > MAX_HEAD_BYTES) throw new MalformedReply("the reply's head has no end");
    this.#start = bytes.subarray(from);
    return undefined;
  }

  #begin(head: ReplyHead): void {
    const { framing } = head;
    this.#head = head;
    this.#start = undefined;
    if (framing.kind === "chunked") this.#chunked = new ChunkedBody();
    if (framing.kind !== "length") return;
    this.#left = framing.bytes;
    this.#isOver = this.#left === 0;
  }

  #body(bytes: Uint8Array, start: number): Uint8Array | undefined {
    if (this.#isOver) {
      this.#hasSurplus ||= start < bytes.length;
      return undefined;
    }
    if (this.#chunked !== undefined) return this.#chunks(this.#chunked, bytes, start);
    if (this.#head?.framing.kind === "until-close") return part(bytes, start, bytes.length);
    const end = Math.min(bytes.length, start + this.#left);
    this.#left -= end - start;
    this.#isOver = this.#left === 0;
    this.#hasSurplus = end < bytes.length;
    return part(bytes, start, end);
  }

  #chunks(chunked: ChunkedBody, bytes: Uint8Array, start: number): Uint8Array | undefined {
    const { from, to, stop } = chunked.push(bytes, start);
    this.#isOver = chunked.isOver;
    this.#hasSurplus = stop < bytes.length;
    return from === to ? undefined : part(bytes, from, to);
  }
}

function part(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to);
}

/** Where the text of a head ends, and what follows it begins. Many a small server ends its lines with LF alone. */
function endOfHead(bytes: Uint8Array, from: number): { text: number; next: number } | undefined {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return { text: at, next: at + 2 };
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return { text: at, next: at + 3 };
  }
  return undefined;
}
