import { sized, USUAL_SIZE } from "./sized.ts";
import { writeAll } from "./write-data.ts";

const STDERR = 2;

/** Terminals that know these marks show a change only when it is whole; the others pass over them. */
const FRAME = { begin: "\x1b[?2026h", end: "\x1b[?2026l" };

/**
 * A few lines on stderr that are drawn again in their place, and taken away when what they tell of is over. What stood
 * above stays, and the terminal keeps its own modes: whoever is stopped in between leaves nothing behind to mend.
 */
export class LiveBlock {
  #height = 0;

  /** What the terminal has no room for is left out: lines at the end, and the ends of lines. */
  draw(lines: readonly string[]): void {
    const { columns = USUAL_SIZE.columns, rows = USUAL_SIZE.rows } = sized(process.stderr);
    // A line as wide as the terminal would wrap in some of them, and then the way back up is not known.
    const shown = lines.slice(0, rows - 1).map((line) => Bun.sliceAnsi(line, 0, columns - 1));
    writeAll(STDERR, `${FRAME.begin}${this.#back()}${shown.map((line) => `${line}\n`).join("")}${FRAME.end}`);
    this.#height = shown.length;
  }

  /** Takes the lines away. */
  clear(): void {
    if (this.#height > 0) writeAll(STDERR, this.#back());
    this.#height = 0;
  }

  #back(): string {
    return this.#height === 0 ? "" : `\x1b[${this.#height}A\r\x1b[J`;
  }
}
