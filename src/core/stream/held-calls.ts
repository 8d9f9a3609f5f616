import type { CallPiece } from "../dialect/hub-answer.ts";
import { isObject, parseJson } from "../json.ts";
import { joinBytes } from "./bytes.ts";

/** Beyond this size events are compressed: most of an event repeats the one before. */
const PACK_BYTES = 256 * 1024;

/** More than this is not held, in memory and uncompressed. */
const MOST_BYTES = { stored: 4 * 1024 * 1024, unpacked: 64 * 1024 * 1024 };

/** The lowest level still finds repetitions. */
const LEVEL = 1;

/** Holds events, byte for byte, in little memory. */
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

  /** Whether they can be handed over in one piece. */
  get isSmall(): boolean {
    return this.#packed.length === 0;
  }

  /** Oldest first, decompressed one by one. Nothing is held afterwards. */
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

/** A longer text cannot be repeated exactly by a model, and a longer call is not held. */
export const KEPT_CHARS = 4 * 1024 * 1024;

/** Unread events also keep what surrounds the words, which is much more. */
const LATER_CHARS = 4 * 1024;

/** Extracts the words of events with a known form. */
export interface TextReader {
  wordsOf: (events: string) => string;
}

/** The visible text of an answer, or the arguments of a call, in pieces. Kept while it is short enough. */
export class SentText {
  readonly #said: string[] = [];
  #reader: TextReader | undefined;
  #events = "";
  #chars = 0;

  add(text: string): void {
    if (text === "" || !this.isKept) return;
    this.#makeOut();
    this.#said.push(text);
    this.#count(text.length);
  }

  /** The words of these events are read only on demand, or when there are many. */
  addEvents(reader: TextReader, events: string): void {
    if (!this.isKept) return;
    if (reader !== this.#reader || this.#events.length > LATER_CHARS) this.#makeOut();
    this.#reader = reader;
    this.#events += events;
  }

  /** Whether the whole text was kept. */
  get isKept(): boolean {
    return this.#chars <= KEPT_CHARS;
  }

  /** The length that has been read so far. */
  get chars(): number {
    return this.#chars;
  }

  toString(): string {
    this.#makeOut();
    return this.#said.join("");
  }

  #count(chars: number): void {
    this.#chars += chars;
    if (this.isKept) return;
    this.#said.length = 0;
    this.#events = "";
  }

  #makeOut(): void {
    if (this.#reader === undefined || this.#events === "") return;
    const words = this.#reader.wordsOf(this.#events);
    this.#events = "";
    this.#said.push(words);
    this.#count(words.length);
  }
}

/** A tool call as far as it has been received. */
export interface WrittenCall {
  id: string;
  name: string;
  isFreeform: boolean;
  /** The arguments, in pieces. */
  readonly pieces: SentText;
  /** The complete arguments, if the provider has repeated them. */
  whole: string | undefined;
}

/** Assembles the tool calls of one answer from their pieces. */
export class WrittenCalls {
  readonly #calls: WrittenCall[] = [];
  readonly #places = new Map<string, WrittenCall>();
  #last: WrittenCall | undefined;

  /** Returns the call that the piece belongs to. */
  add(piece: CallPiece, choice = 0): WrittenCall {
    const place = `${choice} ${this.#placeOf(piece)}`;
    const isLoose = piece.index === undefined && piece.name === "";
    const known = this.#places.get(place) ?? (isLoose ? this.#last : undefined);
    const call = known !== undefined && !isAnother(known, piece) ? known : this.#open(place, piece);
    if (call.name === "") call.name = piece.name;
    call.pieces.add(piece.more);
    call.whole = piece.whole ?? call.whole;
    this.#last = call;
    return call;
  }

  /** The call in progress. */
  get last(): WrittenCall | undefined {
    return this.#last;
  }

  /** The length of all arguments. */
  get chars(): number {
    return this.#calls.reduce((sum, { pieces, whole = "" }) => sum + Math.max(pieces.chars, whole.length), 0);
  }

  get all(): readonly WrittenCall[] {
    return this.#calls;
  }

  get count(): number {
    return this.#calls.length;
  }

  /** Why the calls cannot be run; undefined if each is complete. */
  fault(): string | undefined {
    const bad = this.#calls.find((call) => !isWhole(call));
    if (bad === undefined) return undefined;
    return bad.name === ""
      ? "a tool call has no name"
      : `the arguments of a call of ${bad.name} are not whole`;
  }

  #open(place: string, piece: CallPiece): WrittenCall {
    const { id, name, isFreeform } = piece;
    const call = { id, name, isFreeform, pieces: new SentText(), whole: undefined };
    this.#calls.push(call);
    this.#places.set(place, call);
    return call;
  }

  /** A piece without a number belongs to the call with its id, else to the previous one. */
  #placeOf({ index, id, name }: CallPiece): string {
    if (index !== undefined) return `#${index}`;
    if (id !== "") return id;
    return name === "" ? "" : `new ${this.#calls.length}`;
  }
}

/** Some providers number every call 0: another id with a name is another call. */
function isAnother(known: WrittenCall, piece: CallPiece): boolean {
  return piece.name !== "" && piece.id !== "" && piece.id !== known.id;
}

/** A call of a tool without parameters may have no arguments at all. */
function isWhole({ name, isFreeform, pieces, whole }: WrittenCall): boolean {
  if (name.trim() === "") return false;
  if (isFreeform) return true;
  const given = whole === undefined || whole === "" ? String(pieces) : whole;
  return given.trim() === "" || isObject(parseJson(given));
}
