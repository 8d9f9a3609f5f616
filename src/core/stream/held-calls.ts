import type { CallPiece } from "../dialect/hub-answer.ts";
import { isObject, parseJson } from "../json.ts";
import { joinBytes } from "./bytes.ts";

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

/** A text longer than this is no answer that a model would say again to the letter, and no call that is held. */
export const KEPT_CHARS = 4 * 1024 * 1024;

/** Events whose words are read later are kept with all that is around the words, and that is much more. */
const LATER_CHARS = 4 * 1024;

/** What can tell the words of events that are alike. */
export interface TextReader {
  wordsOf: (events: string) => string;
}

/** A text that arrives in pieces: the visible text of an answer, or the arguments of a call. Kept while it is short enough. */
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

  /** Events whose words are read only when they are asked for, or when many have gathered. */
  addEvents(reader: TextReader, events: string): void {
    if (!this.isKept) return;
    if (reader !== this.#reader || this.#events.length > LATER_CHARS) this.#makeOut();
    this.#reader = reader;
    this.#events += events;
  }

  /** Whether all of it is here. */
  get isKept(): boolean {
    return this.#chars <= KEPT_CHARS;
  }

  /** Its length, as far as it has been read. */
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

/** A tool call as far as it has been written. */
export interface WrittenCall {
  id: string;
  name: string;
  isFreeform: boolean;
  /** The arguments, piece by piece. */
  readonly pieces: SentText;
  /** All of the arguments, where the provider has repeated them. */
  whole: string | undefined;
}

/** The tool calls of one answer, put together from their pieces. */
export class WrittenCalls {
  readonly #calls: WrittenCall[] = [];
  readonly #places = new Map<string, WrittenCall>();
  #last: WrittenCall | undefined;

  /** Adds a piece, and tells which call it belongs to. */
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

  /** The call that is being written. */
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

  /** Why the calls cannot be run as they are; undefined where each is whole. */
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

  /** Pieces without a number belong to the call of their id, else to the one before. */
  #placeOf({ index, id, name }: CallPiece): string {
    if (index !== undefined) return `#${index}`;
    if (id !== "") return id;
    return name === "" ? "" : `new ${this.#calls.length}`;
  }
}

/** Some providers give every call the number 0: another id with a name of its own is another call. */
function isAnother(known: WrittenCall, piece: CallPiece): boolean {
  return piece.name !== "" && piece.id !== "" && piece.id !== known.id;
}

/** Tools without parameters are called with nothing at all. */
function isWhole({ name, isFreeform, pieces, whole }: WrittenCall): boolean {
  if (name.trim() === "") return false;
  if (isFreeform) return true;
  const given = whole === undefined || whole === "" ? String(pieces) : whole;
  return given.trim() === "" || isObject(parseJson(given));
}
