import { parseJson } from "../json.ts";
import { latin1 } from "./bytes.ts";
import type { SentText } from "./held-calls.ts";

/** The fields in which the events of one answer differ: the next words, thoughts or arguments. */
export interface WordFields {
  text: readonly string[];
  reasoning: readonly string[];
  arguments: readonly string[];
}

/** Finds the words in an event. */
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

  /** The only words in an event, where it has no others and they mean what the event was read to mean. */
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

/** Events of words are short; of a long one the form is not worth finding. */
const LONGEST_EVENT = 16 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const TILDE = 0x7e;

/**
 * The form that an event shares with those behind it: all but one string is the same to the byte. An event of a known
 * form needs no parsing: it means the same, in other words. Bytes are seen as Latin-1, so that a place in the text is
 * a place in the bytes.
 */
export class EventForm {
  readonly #before: string;
  readonly #after: string;

  private constructor(before: string, after: string) {
    this.#before = before;
    this.#after = after;
  }

  /**
   * The form of an event that is known to be good, given what its words mean; undefined for one that is not of the
   * plain sort.
   */
  static of(
    bytes: Uint8Array,
    means: { text: string; argumentText: string },
    finder: WordFinder,
  ): EventForm | undefined {
    if (bytes.length > LONGEST_EVENT) return undefined;
    const block = latin1(bytes);
    // One line of JSON and the blank one: whatever else there is would have to be looked at each time.
    if (!/^data: ?\{[^\r\n]*\}\n\n$/.test(block)) return undefined;
    const words = finder.only(block, means);
    return words === undefined
      ? undefined
      : new EventForm(block.slice(0, words.start), block.slice(words.end));
  }

  /** How far from a place on whole events of this form follow each other. */
  endFrom(stream: string, from: number): number {
    let end = from;
    while (stream.startsWith(this.#before, end)) {
      const start = end + this.#before.length;
      const close = stream.indexOf(this.#after, start);
      // One without a word is looked at: it may be a mere sign of life.
      if (close <= start) break;
      if (!isPlain(stream, start, close) && parsed(stream.slice(start, close)) === undefined) break;
      end = close + this.#after.length;
    }
    return end;
  }

  /** The words of events that were found to be of this form. */
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
    // Joined they are a text of their own, and no more a part of the events.
    return words.join("");
  }
}

/** Whether it stands for itself, in JSON as in UTF-8. Character by character: words are short, and no copy is made. */
function isPlain(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code < SPACE || code > TILDE || code === QUOTE || code === BACKSLASH) return false;
  }
  return true;
}

/** What stands between the quotes of a JSON string; undefined when that is none. */
function parsed(raw: string): string | undefined {
  const value = parseJson(`"${Buffer.from(raw, "latin1").toString()}"`);
  return typeof value === "string" ? value : undefined;
}

/** What is left of an event that is longer than this is not compared again and again as it grows. */
const FORM_BYTES = 1024 * 1024;

/** Events in the middle of an answer before the form of one is taken: short answers do not pay for it. */
const UNTIL_LEARNT = 3;

/** Forms that fitted no second event before no more are looked for: this provider's events are all different. */
const FORMS_IN_VAIN = 8;

/** An event that was parsed: its words, and where the words of further ones like it belong. */
export interface LearntEvent {
  text: string;
  argumentText: string;
  /** Undefined where words of this sort are not kept. */
  keepIn: SentText | undefined;
}

/** The events of one answer that need not be parsed, since they differ from one that was in nothing but their words. */
export class EventFastPath {
  readonly #finder: WordFinder | undefined;
  #form: EventForm | undefined;
  #keepIn: SentText | undefined;
  #inVain = -UNTIL_LEARNT;
  #stream: string | undefined;

  /** Without fields nothing is ever alike. */
  constructor(fields: WordFields | undefined) {
    this.#finder = fields === undefined ? undefined : finderOf(fields);
  }

  /** The bytes that the next places are places in. */
  begin(bytes: Uint8Array): void {
    this.#stream = this.#form === undefined || bytes.length > FORM_BYTES ? undefined : latin1(bytes);
  }

  /** How far from a place on events of the known form follow each other. */
  endFrom(at: number): number {
    if (this.#form === undefined || this.#stream === undefined) return at;
    const end = this.#form.endFrom(this.#stream, at);
    if (end > at) this.#inVain = 0;
    return end;
  }

  /** Their words go to the rest of the text that they belong to. */
  keepWords(from: number, end: number): void {
    if (this.#form === undefined || this.#stream === undefined) return;
    this.#keepIn?.addEvents(this.#form, this.#stream.slice(from, end));
  }

  /** Takes the form of an event in the middle of an answer. */
  learn(bytes: Uint8Array, event: LearntEvent): void {
    if (this.#finder === undefined || this.#inVain > FORMS_IN_VAIN) return;
    this.#inVain++;
    const form = this.#inVain > 0 ? EventForm.of(bytes, event, this.#finder) : undefined;
    if (form === undefined) return;
    this.#form = form;
    this.#keepIn = event.keepIn;
  }

  /** Nothing is alike any more: from here on each event is parsed. */
  forget(): void {
    this.#form = undefined;
  }
}

const finders = new Map<WordFields, WordFinder>();

/** One for each dialect: to make the pattern takes longer than to read a short answer. */
function finderOf(fields: WordFields): WordFinder {
  const finder = finders.get(fields) ?? new WordFinder(fields);
  finders.set(fields, finder);
  return finder;
}
