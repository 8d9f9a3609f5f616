import type { HubChoice } from "../dialect/hub-answer.ts";
import type { JsonObject } from "../json.ts";

/** What the client received of an answer whose events refer to each other. */
export interface SentRecord {
  note: (event: JsonObject) => void;
  copy: () => SentRecord;
}

/** What the client received of an answer that broke off. */
export interface SentAnswer {
  /** The exact visible text. */
  text: string;
  /** Whether all of the text was kept. */
  isTextKept: boolean;
  hasReasoning: boolean;
  /** Whether some reasoning can only be read by the provider that wrote it. */
  isSealed: boolean;
  /** Content that cannot be compared: a refusal, audio, one of several answers. */
  hasOther: boolean;
  /** Further state that the dialect needs to continue. */
  record: SentRecord | undefined;
  /** The end of the text, which the lane was not shown; absent if it was shown nothing. */
  withheld?: string;
}

/** What the client gets of an event: its own bytes, others, or none, and the new text in it. */
export interface Continued {
  bytes: Uint8Array | undefined;
  text: string;
}

export interface Continuation {
  readonly state: MatchState;
  /** What the client received, including everything admitted. */
  readonly record: SentRecord | undefined;
  admit: (event: JsonObject, bytes: Uint8Array, choice: HubChoice | undefined) => Continued;
}

/** How the new answer relates to the text that the client has. */
export type MatchState =
  /** It repeats what the client has. */
  | "matching"
  /** It has repeated everything: what follows is new. */
  | "on"
  /** It differs: only its tool calls can be used. */
  | "calls-only"
  /** It differs and cannot be used. */
  | "mismatch";

export interface MatchOptions {
  takesCalls: boolean;
  /** Whether the sent text may become longer. */
  mayGrow: boolean;
}

/**
 * Compares an answer with the text that the client has; it continues only after an exact match. A lane that was shown
 * the beginning of the text may repeat all of it, or only the rest.
 */
export class TextMatch {
  #state: MatchState;
  /** Possible texts before the first new text; several only until the answer decides. */
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

  /** The new part of the next text. */
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

  /** The answer differs before it has repeated what the client has. */
  diverge(): void {
    if (this.#state === "matching") this.#give();
  }

  #give(): void {
    this.#state = this.#options.takesCalls ? "calls-only" : "mismatch";
  }
}

/**
 * What can be done about an answer that broke off. `afresh`: the client received nothing, so any answer will do.
 * `continue`: another answer can be fitted. `none`: neither.
 */
export type Salvage = "afresh" | "continue" | "none";

/** `mayResume`: whether the user allows a continuation by comparison. */
export function salvageOf(sent: SentAnswer | undefined, mayResume: boolean): Salvage {
  if (sent === undefined) return "afresh";
  const { text, isTextKept, isSealed, hasOther } = sent;
  // Sealed reasoning belongs to its provider's answer: next to another answer that provider rejects it.
  if (hasOther || isSealed || !isTextKept) return "none";
  // Reasoning alone needs no comparison: that of the other answer is left out.
  return text.trim() === "" || mayResume ? "continue" : "none";
}
