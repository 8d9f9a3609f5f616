import { leaveRawMode } from "./keyboard.ts";
import { writeAll } from "./talk.ts";
import { sized, USUAL_SIZE } from "./text.ts";

/** The size of a terminal in characters. */
export interface ScreenSize {
  columns: number;
  rows: number;
}

/** A screen that is drawn again and again until its reader leaves. */
export interface LiveScreen {
  /** The lines to show; what does not fit is cut off. */
  draw: (size: ScreenSize) => Promise<string>;
  everyMs: number;
}

/** The other screen, without a cursor; and back to what was there before. */
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";

/** Terminals that know this mark show a frame only when it is whole; the others pass over it. */
const SCREEN_FRAME = { begin: "\x1b[?2026h\x1b[H", end: "\x1b[J\x1b[?2026l" };

/** q, Q, Ctrl-C, Ctrl-D; in raw mode the terminal makes no signal of them. */
const QUIT: ReadonlySet<string> = new Set(["q", "Q", "\x03", "\x04"]);

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Whether there is a terminal on both sides: one to draw on, and one to quit from. */
export function hasScreen(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

/** Draws until the reader leaves with q or Ctrl-C. Whatever happens, the terminal is given back as it was. */
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
  // A closed terminal cannot be drawn on.
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

/** The bytes that put a text on the screen over the last one, without a moment of emptiness between. */
export function frameText(text: string, { columns, rows }: ScreenSize): string {
  const lines = text.split("\n").slice(0, rows);
  // What is left of a longer line is wiped; the last line is not ended, since that would scroll.
  const body = lines.map((line) => `${cutTo(line, columns)}\x1b[K`).join("\r\n");
  return `${SCREEN_FRAME.begin}${body}${SCREEN_FRAME.end}`;
}

/** A wide character at the edge is kept by `sliceAnsi` although only half of it fits, and would wrap. */
function cutTo(line: string, columns: number): string {
  const cut = Bun.sliceAnsi(line, 0, columns);
  return Bun.stringWidth(cut) > columns ? Bun.sliceAnsi(line, 0, columns - 1) : cut;
}

const STDERR = 2;

/** Terminals that know these marks show a change only when it is whole; the others pass over them. */
const BLOCK_FRAME = { begin: "\x1b[?2026h", end: "\x1b[?2026l" };

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
    writeAll(
      STDERR,
      `${BLOCK_FRAME.begin}${this.#back()}${shown.map((line) => `${line}\n`).join("")}${BLOCK_FRAME.end}`,
    );
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
