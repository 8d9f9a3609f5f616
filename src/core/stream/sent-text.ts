/** A text longer than this, the events around its words included, is no answer that anyone would say again to the letter. */
const KEPT_CHARS = 4 * 1024 * 1024;

/** Texts to be made out later are kept with all that is around their words, and that is much more than the words. */
const LATER_CHARS = 16 * 1024;

/** The visible text of an answer so far, as long as that is of any use. */
export class SentText {
  readonly #said: string[] = [];
  #later: (() => string)[] = [];
  #laterChars = 0;
  #chars = 0;

  add(text: string): void {
    if (text !== "") this.addLater(() => text, text.length);
  }

  /** A text that is made out only when it is asked for, or when many have gathered. */
  addLater(text: () => string, chars: number): void {
    if (!this.isKept) return;
    this.#later.push(text);
    this.#laterChars += chars;
    this.#chars += chars;
    if (this.#laterChars > LATER_CHARS) this.#makeOut();
    if (!this.isKept) this.#said.length = 0;
  }

  /** Whether it is all here. */
  get isKept(): boolean {
    return this.#chars <= KEPT_CHARS;
  }

  toString(): string {
    this.#makeOut();
    return this.#said.join("");
  }

  #makeOut(): void {
    this.#said.push(this.#later.map((text) => text()).join(""));
    this.#later = [];
    this.#laterChars = 0;
  }
}
