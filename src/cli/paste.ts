import { usageFault } from "./command.ts";

const START = "\x1b[200~";
const END = "\x1b[201~";

/** An incomplete mark at the end of a chunk. A lone Escape is a key and is not held back. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals mark a paste with Escape
const CUT_MARK = /\x1b\[(?:2(?:0[01]?)?)?$/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const MARK = /(\x1b\[20[01]~)/;

/**
 * Replaces line ends inside a paste by blanks, so that several keys fit into a prompt that a line end would close.
 * Works chunk by chunk.
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
    // The capture group keeps the marks as separate parts.
    const parts = whole.split(MARK);
    return parts.map((part) => this.#take(part)).join("");
  }

  #take(part: string): string {
    if (part === START || part === END) {
      this.#isInside = part === START;
      // Separate consecutive pastes, or two keys would become one.
      return part === START && this.#hasText ? " " : "";
    }
    this.#hasText ||= part !== "";
    if (this.#isInside) return part.replaceAll(/[\r\n]+/g, " ");
    // For terminals without marks: only a paste sends text after a line end in one chunk.
    const body = part.replace(/[\r\n]+$/, "");
    return body.replaceAll(/[\r\n]+/g, " ") + (body === part ? "" : "\r");
  }
}

export const PASTE_MARKS = { on: "\x1b[?2004h", off: "\x1b[?2004l" };

/** Thousands of keys fit; anything longer is some other file. */
const MAX_BYTES = 1024 * 1024;

/** Fails at a keyboard, where `instead` says what to do. */
export async function readKeyLines(instead: string): Promise<string[]> {
  if (process.stdin.isTTY === true)
    throw usageFault("--stdin reads from a pipe or a file; a key typed here would be visible.", instead);
  return await readLines(Bun.stdin.stream());
}

export async function readLines(stream: AsyncIterable<Uint8Array>): Promise<string[]> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of stream) {
    parts.push(part);
    bytes += part.length;
    if (bytes <= MAX_BYTES) continue;
    throw usageFault("This is more than a list of keys.", "Send one key a line, at most 1 MiB in all.");
  }
  // TextDecoder also removes the byte order mark of Windows editors.
  const text = new TextDecoder().decode(Buffer.concat(parts));
  return text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
