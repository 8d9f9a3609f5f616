/** A text longer than this, the events around its words included, is no answer that anyone would say again to the letter. */
const KEPT_CHARS = 4 * 1024 * 1024;

/** Events whose text is made out later are kept with all that is around their words, and that is much more than the words. */
const LATER_CHARS = 4 * 1024;

/** What can tell the visible text of events that are alike. */
export interface TextReader {
  textOf: (events: string) => string;
}

/** The visible text of an answer so far, as long as that is of any use. */
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

  /** Events whose text is made out only when it is asked for, or when many have gathered. */
  addEvents(reader: TextReader, events: string): void {
    if (!this.isKept) return;
    if (reader !== this.#reader || this.#events.length > LATER_CHARS) this.#makeOut();
    this.#reader = reader;
    this.#events += events;
    this.#count(events.length);
  }

  /** Whether it is all here. */
  get isKept(): boolean {
    return this.#chars <= KEPT_CHARS;
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
    this.#said.push(this.#reader.textOf(this.#events));
    this.#events = "";
  }
}
