import { leaveRawMode } from "./keyboard.ts";
import { writeAll } from "./talk.ts";
import { sized, USUAL_SIZE } from "./text.ts";

export interface ScreenSize {
  columns: number;
  rows: number;
}

export interface LiveScreen {
  /** Lines beyond the screen are cut off. */
  draw: (size: ScreenSize) => Promise<string>;
  everyMs: number;
}

/** Switches to the alternate screen and hides the cursor; LEAVE undoes both. */
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";

/** Synchronized output: terminals that know it show only whole frames, others ignore it. */
const SCREEN_FRAME = { begin: "\x1b[?2026h\x1b[H", end: "\x1b[J\x1b[?2026l" };

/** q, Q, Ctrl-C, Ctrl-D; in raw mode the terminal sends no signals. */
const QUIT: ReadonlySet<string> = new Set(["q", "Q", "\x03", "\x04"]);

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Needs a terminal to draw on and one to quit from. */
export function hasScreen(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

/** Draws until the user presses q or Ctrl-C. Always restores the terminal. */
export async function showLive({ draw, everyMs }: LiveScreen): Promise<void> {
  const { stdin, stdout } = process;
  const { promise: left, resolve: leave, reject: fail } = Promise.withResolvers<void>();
  const painter = new Painter(draw, fail);
  const paint = (): void => painter.paint();
  const onKeys = (bytes: Uint8Array): void => {
    if ([...new TextDecoder().decode(bytes)].some((key) => QUIT.has(key))) leave();
  };
  const onSignal = (): void => leave();
  for (const signal of SIGNALS) process.on(signal, onSignal);
  stdout.on("resize", paint);
  // The terminal was closed.
  stdout.on("error", onSignal);
  stdin.on("data", onKeys);
  const timer = setInterval(paint, everyMs);
  try {
    stdin.setRawMode(true);
    stdin.resume();
    stdout.write(ENTER);
    paint();
    await left;
  } finally {
    painter.stop();
    clearInterval(timer);
    stdout.write(LEAVE);
    leaveRawMode(stdin);
    stdin.pause();
    stdin.off("data", onKeys);
    stdout.off("resize", paint);
    stdout.off("error", onSignal);
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

/** Draws one frame at a time; a request during a frame, as at a resize, runs right after it. */
class Painter {
  readonly #draw: LiveScreen["draw"];
  readonly #fail: (error: unknown) => void;
  #isDrawing = false;
  #isWanted = false;
  #isStopped = false;

  constructor(draw: LiveScreen["draw"], fail: (error: unknown) => void) {
    this.#draw = draw;
    this.#fail = fail;
  }

  paint(): void {
    this.#isWanted = true;
    if (!this.#isDrawing) void this.#paintAll().catch(this.#fail);
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #paintAll(): Promise<void> {
    this.#isDrawing = true;
    try {
      while (this.#isWanted && !this.#isStopped) {
        this.#isWanted = false;
        const size = sizeOf(process.stdout);
        const text = await this.#draw(size);
        if (!this.#isStopped) process.stdout.write(frameText(text, size));
      }
    } finally {
      this.#isDrawing = false;
    }
  }
}

function sizeOf({ columns, rows }: Partial<ScreenSize>): ScreenSize {
  return { columns: columns || USUAL_SIZE.columns, rows: rows || USUAL_SIZE.rows };
}

/** Overwrites the last frame without clearing the screen first, which would flicker. */
export function frameText(text: string, { columns, rows }: ScreenSize): string {
  const lines = text.split("\n").slice(0, rows);
  // Clear the rest of each line; do not end the last line, since that would scroll.
  const body = lines.map((line) => `${cutTo(line, columns)}\x1b[K`).join("\r\n");
  return `${SCREEN_FRAME.begin}${body}${SCREEN_FRAME.end}`;
}

/** `sliceAnsi` keeps a wide character of which only half fits; it would wrap. */
function cutTo(line: string, columns: number): string {
  const cut = Bun.sliceAnsi(line, 0, columns);
  return Bun.stringWidth(cut) > columns ? Bun.sliceAnsi(line, 0, columns - 1) : cut;
}

const STDERR = 2;

/** Synchronized output: terminals that know it show only whole changes, others ignore it. */
const BLOCK_FRAME = { begin: "\x1b[?2026h", end: "\x1b[?2026l" };

/**
 * Lines on stderr that are redrawn in place and removed at the end. Changes no terminal mode, so that a killed process
 * leaves nothing to restore.
 */
export class LiveBlock {
  #height = 0;

  /** Cuts lines that do not fit. */
  draw(lines: readonly string[]): void {
    const { columns = USUAL_SIZE.columns, rows = USUAL_SIZE.rows } = sized(process.stderr);
    // Some terminals wrap a line of full width, and then the number of lines to go up is unknown.
    const shown = lines.slice(0, rows - 1).map((line) => Bun.sliceAnsi(line, 0, columns - 1));
    writeAll(
      STDERR,
      `${BLOCK_FRAME.begin}${this.#back()}${shown.map((line) => `${line}\n`).join("")}${BLOCK_FRAME.end}`,
    );
    this.#height = shown.length;
  }

  clear(): void {
    if (this.#height > 0) writeAll(STDERR, this.#back());
    this.#height = 0;
  }

  #back(): string {
    return this.#height === 0 ? "" : `\x1b[${this.#height}A\r\x1b[J`;
  }
}
