const START = "\x1b[200~";
const END = "\x1b[201~";

/** The beginning of a mark whose end is still to come. A lone Escape is a key of its own and is not held back. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals mark a paste with Escape
const CUT_MARK = /\x1b\[(?:2(?:0[01]?)?)?$/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const MARK = /(\x1b\[20[01]~)/;

/**
 * Makes what is pasted into one line: line ends inside it become blanks, so that several keys can be pasted at once
 * into a prompt that a line end would close. Works on what a terminal sends, chunk by chunk.
 */
export class PasteJoiner {
  #isInside = false;
  #hasText = false;
  #held = "";

  push(chunk: string): string {
    const text = this.#held + chunk;
    const cut = CUT_MARK.exec(text);
    this.#held = cut?.[0] ?? "";
    const whole = cut === null ? text : text.slice(0, cut.index);
    // The marks come out as parts of their own.
    const parts = whole.split(MARK);
    return parts.map((part) => this.#take(part)).join("");
  }

  #take(part: string): string {
    if (part === START || part === END) {
      this.#isInside = part === START;
      // Pasted one after the other, keys would grow together.
      return part === START && this.#hasText ? " " : "";
    }
    this.#hasText ||= part !== "";
    if (this.#isInside) return part.replaceAll(/[\r\n]+/g, " ");
    // Without marks: only somebody who pastes sends text behind a line end in the same breath.
    const body = part.replace(/[\r\n]+$/, "");
    return body.replaceAll(/[\r\n]+/g, " ") + (body === part ? "" : "\r");
  }
}

/** Asks a terminal to mark what is pasted, and to stop that again. */
export const PASTE_MARKS = { on: "\x1b[?2004h", off: "\x1b[?2004l" };
