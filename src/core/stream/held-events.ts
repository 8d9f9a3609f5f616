import { joinBytes } from "./join-bytes.ts";

/** Events beyond this are packed: most of an event is the same as in the one before. */
const PACK_BYTES = 256 * 1024;

/** More than this is not held: in memory, and unpacked, however little it says. */
const MOST_BYTES = { stored: 4 * 1024 * 1024, unpacked: 64 * 1024 * 1024 };

/** The least effort: what repeats is found all the same. */
const LEVEL = 1;

/** Events that are kept back, byte for byte, in little memory. */
export class HeldEvents {
  readonly #packed: Uint8Array<ArrayBuffer>[] = [];
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #packedBytes = 0;
  #bytes = 0;

  add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#partBytes += bytes.length;
    this.#bytes += bytes.length;
    if (this.#partBytes > PACK_BYTES) this.#pack();
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isTooMuch(): boolean {
    return this.#packedBytes + this.#partBytes > MOST_BYTES.stored || this.#bytes > MOST_BYTES.unpacked;
  }

  /** Whether they are few enough to be handed over in one piece. */
  get isSmall(): boolean {
    return this.#packed.length === 0;
  }

  /** All of them, oldest first, in pieces that are unpacked one by one. Nothing is held afterwards. */
  take(): Iterable<Uint8Array> {
    const packed = this.#packed.splice(0);
    const parts = this.#parts;
    this.#parts = [];
    this.#partBytes = 0;
    this.#packedBytes = 0;
    this.#bytes = 0;
    return unpacked(packed, parts);
  }

  #pack(): void {
    const joined = joinBytes(this.#parts);
    const packed = Bun.deflateSync(new Uint8Array(joined), { level: LEVEL });
    this.#packed.push(packed);
    this.#packedBytes += packed.length;
    this.#parts = [];
    this.#partBytes = 0;
  }
}

function* unpacked(packed: Uint8Array<ArrayBuffer>[], parts: Uint8Array[]): Generator<Uint8Array> {
  for (let block = packed.shift(); block !== undefined; block = packed.shift()) yield Bun.inflateSync(block);
  yield* parts;
}
