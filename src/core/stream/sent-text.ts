/** A text longer than this, the events around its words included, is no answer that anyone would say again to the letter. */
const KEPT_CHARS = 4 * 1024 * 1024;

/** The visible text of an answer so far, as long as that is of any use. */
export class SentText {
  #parts: (() => string)[] = [];
  #chars = 0;

  add(text: string): void {
    if (text !== "") this.addLater(() => text, text.length);
  }

  /** A text that is made out only when it is asked for, which it hardly ever is. */
  addLater(text: () => string, chars: number): void {
    if (!this.isKept) return;
    this.#parts.push(text);
    this.#chars += chars;
    if (!this.isKept) this.#parts = [];
  }

  /** Whether it is all here. */
  get isKept(): boolean {
    return this.#chars <= KEPT_CHARS;
  }

  toString(): string {
    return this.#parts.map((part) => part()).join("");
  }
}
