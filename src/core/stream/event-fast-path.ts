import { parseJson } from "../json.ts";
import { latin1 } from "./bytes.ts";
import type { SentText } from "./held-calls.ts";

/** The fields in which the events of one answer differ: the next piece of text, reasoning or arguments. */
export interface WordFields {
  text: readonly string[];
  reasoning: readonly string[];
  arguments: readonly string[];
}

export class WordFinder {
  readonly #text: ReadonlySet<string>;
  readonly #arguments: ReadonlySet<string>;
  readonly #pattern: RegExp;

  constructor(fields: WordFields) {
    this.#text = new Set(fields.text);
    this.#arguments = new Set(fields.arguments);
    const names = [...fields.text, ...fields.reasoning, ...fields.arguments].join("|");
    this.#pattern = new RegExp(`"(${names})": ?"((?:[^"\\\\]|\\\\.)*)"`, "g");
  }

  /** The only words in an event, if it has no others and they match what was parsed. */
  only(
    event: string,
    means: { text: string; argumentText: string },
  ): { start: number; end: number } | undefined {
    const filled = [...event.matchAll(this.#pattern)].filter(([, , value]) => value !== "");
    const [found] = filled;
    if (found === undefined || filled.length > 1) return undefined;
    const [whole, field = "", value = ""] = found;
    const word = parsed(value);
    if ((this.#text.has(field) ? word : "") !== means.text) return undefined;
    if ((this.#arguments.has(field) ? word : "") !== means.argumentText) return undefined;
    const start = found.index + whole.length - value.length - 1;
    return { start, end: start + value.length };
  }
}

/** The form of a longer event is not worth finding. */
const LONGEST_EVENT = 16 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const TILDE = 0x7e;

/**
 * The form that an event shares with the following ones: all but one string is identical. An event of a known form
 * needs no parsing. Bytes are read as Latin-1, so that text positions are byte positions.
 */
export class EventForm {
  readonly #before: string;
  readonly #after: string;

  private constructor(before: string, after: string) {
    this.#before = before;
    this.#after = after;
  }

  /** Undefined for an event without a simple form. */
  static of(
    bytes: Uint8Array,
    means: { text: string; argumentText: string },
    finder: WordFinder,
  ): EventForm | undefined {
    if (bytes.length > LONGEST_EVENT) return undefined;
    const block = latin1(bytes);
    // One line of JSON and the blank one: whatever else there is would have to be looked at each time.
    if (!/^(?:event: ?[\w.]+\n)?data: ?\{[^\r\n]*\}\n\n$/.test(block)) return undefined;
    const words = finder.only(block, means);
    return words === undefined
      ? undefined
      : new EventForm(block.slice(0, words.start), block.slice(words.end));
  }

  /** Where the consecutive complete events of this form end. */
  endFrom(stream: string, from: number): number {
    let end = from;
    while (stream.startsWith(this.#before, end)) {
      const start = end + this.#before.length;
      const close = stream.indexOf(this.#after, start);
      // An event without a word is parsed: it may be a keep-alive.
      if (close <= start) break;
      if (!isPlain(stream, start, close) && parsed(stream.slice(start, close)) === undefined) break;
      end = close + this.#after.length;
    }
    return end;
  }

  /** The words of events of this form. */
  wordsOf(events: string): string {
    const words: string[] = [];
    let at = 0;
    while (at < events.length) {
      const start = at + this.#before.length;
      const close = events.indexOf(this.#after, start);
      const word = events.slice(start, close);
      words.push(isPlain(events, start, close) ? word : (parsed(word) ?? ""));
      at = close + this.#after.length;
    }
    // Join, so that the text does not keep the events in memory.
    return words.join("");
  }
}

/**
 * Whether the text needs no unescaping, in JSON and in UTF-8. Character by character: words are short, and this copies
 * nothing.
 */
function isPlain(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code < SPACE || code > TILDE || code === QUOTE || code === BACKSLASH) return false;
  }
  return true;
}

/** The content of a JSON string; undefined if it is invalid. */
function parsed(raw: string): string | undefined {
  const value = parseJson(`"${Buffer.from(raw, "latin1").toString()}"`);
  return typeof value === "string" ? value : undefined;
}

/** A longer incomplete event is not compared repeatedly as it grows. */
const FORM_BYTES = 1024 * 1024;

/** Events in the middle of an answer before a form is learnt, so that short answers do not pay for it. */
const UNTIL_LEARNT = 3;

/** After this many forms that matched no second event, stop: this provider's events all differ. */
const FORMS_IN_VAIN = 8;

/** A parsed event: its words, and where the words of similar ones belong. */
export interface LearntEvent {
  text: string;
  argumentText: string;
  /** Undefined if such words are not kept. */
  keepIn: SentText | undefined;
}

/** Skips the parsing of events that differ from an earlier one only in their words. */
export class EventFastPath {
  readonly #finder: WordFinder | undefined;
  #form: EventForm | undefined;
  #keepIn: SentText | undefined;
  #inVain = -UNTIL_LEARNT;
  #stream: string | undefined;

  /** Without fields no event has a form. */
  constructor(fields: WordFields | undefined) {
    this.#finder = fields === undefined ? undefined : finderOf(fields);
  }

  /** The bytes that the following positions refer to. */
  begin(bytes: Uint8Array): void {
    this.#stream = this.#form === undefined || bytes.length > FORM_BYTES ? undefined : latin1(bytes);
  }

  /** Where the consecutive events of the known form end. */
  endFrom(at: number): number {
    if (this.#form === undefined || this.#stream === undefined) return at;
    const end = this.#form.endFrom(this.#stream, at);
    if (end > at) this.#inVain = 0;
    return end;
  }

  /** Adds their words to the text they belong to. */
  keepWords(from: number, end: number): void {
    if (this.#form === undefined || this.#stream === undefined) return;
    this.#keepIn?.addEvents(this.#form, this.#stream.slice(from, end));
  }

  /** Learns the form of an event in the middle of an answer. */
  learn(bytes: Uint8Array, event: LearntEvent): void {
    if (this.#finder === undefined || this.#inVain > FORMS_IN_VAIN) return;
    this.#inVain++;
    const form = this.#inVain > 0 ? EventForm.of(bytes, event, this.#finder) : undefined;
    if (form === undefined) return;
    this.#form = form;
    this.#keepIn = event.keepIn;
  }

  /** From here on each event is parsed. */
  forget(): void {
    this.#form = undefined;
  }
}

const finders = new Map<WordFields, WordFinder>();

/** One per dialect: compiling the pattern takes longer than reading a short answer. */
function finderOf(fields: WordFields): WordFinder {
  const finder = finders.get(fields) ?? new WordFinder(fields);
  finders.set(fields, finder);
  return finder;
}
