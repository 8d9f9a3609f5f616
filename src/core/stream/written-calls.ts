import { isObject } from "../dialect/json-object.ts";
import { SentText } from "./sent-text.ts";
import type { CallPiece } from "./stream-events.ts";

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

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
