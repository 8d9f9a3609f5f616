import { latin1 } from "./latin1.ts";

/** Where the events of one answer differ: the next words, thoughts or arguments. */
const VARYING = /"(content|reasoning_content|reasoning|arguments)": ?"((?:[^"\\]|\\.)*)"/g;

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
  static of(bytes: Uint8Array, means: { text: string; argumentText: string }): EventForm | undefined {
    if (bytes.length > LONGEST_EVENT) return undefined;
    const block = latin1(bytes);
    // One line of JSON and the blank one: whatever else there is would have to be looked at each time.
    if (!/^data: ?\{[^\r\n]*\}\n\n$/.test(block)) return undefined;
    const filled = [...block.matchAll(VARYING)].filter(([, , value]) => value !== "");
    const [found] = filled;
    if (found === undefined || filled.length > 1) return undefined;
    const [whole, field, value = ""] = found;
    const word = parsed(value);
    if ((field === "content" ? word : "") !== means.text) return undefined;
    if ((field === "arguments" ? word : "") !== means.argumentText) return undefined;
    const start = found.index + whole.length - value.length - 1;
    return new EventForm(block.slice(0, start), block.slice(start + value.length));
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
  try {
    const value: unknown = JSON.parse(`"${Buffer.from(raw, "latin1").toString()}"`);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
