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
