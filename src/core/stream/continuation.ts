import type { HubChoice } from "../dialect/hub-answer.ts";
import type { JsonObject } from "../json.ts";

/** What the client has heard of an answer whose events refer to each other. */
export interface SentRecord {
  note: (event: JsonObject) => void;
  copy: () => SentRecord;
}

/** What the client has of an answer that broke off. */
export interface SentAnswer {
  /** The visible text, to the letter. */
  text: string;
  /** Whether all of the text was kept. */
  isTextKept: boolean;
  hasReasoning: boolean;
  /** Whether some of the reasoning can be read only by the provider that wrote it. */
  isSealed: boolean;
  /** Anything that cannot be compared: a refusal, audio, one of several answers. */
  hasOther: boolean;
  /** What else the dialect needs to go on from there. */
  record: SentRecord | undefined;
  /** The end of the text that the lane was not shown as the beginning of its answer; absent if it was shown nothing. */
  withheld?: string;
}

/** What of an event the client gets: its own bytes or others, or nothing, and the text in it that is new. */
export interface Continued {
  bytes: Uint8Array | undefined;
  text: string;
}

/** Fits a further answer to what the client has of the first. One for each answer. */
export interface Continuation {
  readonly state: MatchState;
  /** What the client has heard, with all that was admitted. */
  readonly record: SentRecord | undefined;
  admit: (event: JsonObject, bytes: Uint8Array, choice: HubChoice | undefined) => Continued;
}

/** How a further answer goes on from the text that the client has of the first. */
export type MatchState =
  /** It is saying again what the client has. */
  | "matching"
  /** It has said all of that: what follows is new. */
  | "on"
  /** It says something else: only its tool calls can still be of use. */
  | "calls-only"
  /** It says something else, and that is of no use. */
  | "mismatch";

export interface MatchOptions {
  /** Whether the calls alone of another answer are of use. */
  takesCalls: boolean;
  /** Whether the text that was sent may become longer. */
  mayGrow: boolean;
}

/**
 * Compares an answer with the text that the client has; only where both are the same to the letter does it go on. A lane
 * that was shown the beginning of the text may say all of it again, or only what it was not shown.
 */
export class TextMatch {
  #state: MatchState;
  /** What may come before the first new text; several only until the answer shows which. */
  #toSkip: string[];
  readonly #options: MatchOptions;

  constructor({ text, withheld }: Pick<SentAnswer, "text" | "withheld">, options: MatchOptions) {
    const isBlank = text.trim() === "";
    this.#toSkip = isBlank ? [""] : withheld === undefined ? [text] : [text, withheld];
    this.#options = options;
    this.#state = isBlank ? "on" : "matching";
  }

  get state(): MatchState {
    return this.#state;
  }

  /** The part of the next text that is new to the client. */
  newIn(text: string): string {
    if (text === "" || this.#state === "calls-only" || this.#state === "mismatch") return "";
    const shared = (expected: string): string => text.slice(0, expected.length);
    const left = this.#toSkip.filter((expected) => expected.startsWith(shared(expected)));
    const said = left.find((expected) => expected.length <= text.length);
    const rest = said === undefined ? "" : text.slice(said.length);
    if (left.length === 0 || (rest !== "" && !this.#options.mayGrow)) {
      this.#give();
      return "";
    }
    this.#toSkip = said === undefined ? left.map((expected) => expected.slice(text.length)) : [""];
    if (said !== undefined) this.#state = "on";
    return rest;
  }

  /** The answer says something else before it has said again what the client has. */
  diverge(): void {
    if (this.#state === "matching") this.#give();
  }

  #give(): void {
    this.#state = this.#options.takesCalls ? "calls-only" : "mismatch";
  }
}

/**
 * What can be done about an answer that broke off. `afresh`: nothing has gone to the client, so that any answer will
 * do. `continue`: another answer can be fitted to what the client has. `none`: it cannot.
 */
export type Salvage = "afresh" | "continue" | "none";

/** `mayResume`: whether the user allows a second answer to be compared with the first. */
export function salvageOf(sent: SentAnswer | undefined, mayResume: boolean): Salvage {
  if (sent === undefined) return "afresh";
  const { text, isTextKept, isSealed, hasOther } = sent;
  // Sealed reasoning belongs to the answer of its own provider: beside another answer that provider refuses it.
  if (hasOther || isSealed || !isTextKept) return "none";
  // Thoughts alone need no comparison: those of the other answer are left out.
  return text.trim() === "" || mayResume ? "continue" : "none";
}
