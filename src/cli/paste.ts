import { usageFault } from "./command.ts";

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
    // Without marks: only a paste sends text after a line end in one chunk.
    const body = part.replace(/[\r\n]+$/, "");
    return body.replaceAll(/[\r\n]+/g, " ") + (body === part ? "" : "\r");
  }
}

/** Asks a terminal to mark what is pasted, and to stop that again. */
export const PASTE_MARKS = { on: "\x1b[?2004h", off: "\x1b[?2004l" };

/** Thousands of keys fit; what is longer is some other file. */
const MAX_BYTES = 1024 * 1024;

/** What comes in on stdin, for `--stdin`. At a keyboard it is refused; `instead` says what to do there. */
export async function readKeyLines(instead: string): Promise<string[]> {
  if (process.stdin.isTTY === true)
    throw usageFault("--stdin reads from a pipe or a file; typed here the key would be visible.", instead);
  return await readLines(Bun.stdin.stream());
}

/** The lines of a stream that hold something, trimmed. */
export async function readLines(stream: AsyncIterable<Uint8Array>): Promise<string[]> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of stream) {
    parts.push(part);
    bytes += part.length;
    if (bytes <= MAX_BYTES) continue;
    throw usageFault("This is more than a list of keys.", "Send one key a line, at most 1 MiB in all.");
  }
  // TextDecoder also takes away the mark that Windows editors put first.
  const text = new TextDecoder().decode(Buffer.concat(parts));
  return text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
