import { PassThrough } from "node:stream";
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

/**
 * A key as a terminal sends it: a sequence, Alt with a letter, or one character. Escape followed by anything else is a
 * separate key: the user pressed two in a row.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: keys that are no letters begin with Escape
const STROKE = /\x1b\[[0-?]*[ -/]*[@-~]|\x1bO[@-~]|\x1b[A-Za-z0-9.\x7f]|./gsu;

export function keyStrokes(text: string): string[] {
  return text.match(STROKE) ?? [];
}

/** Restores line mode and signals. A closed terminal has no mode to restore. */
export function leaveRawMode(stdin: { setRawMode: (isRaw: boolean) => unknown }): void {
  try {
    stdin.setRawMode(false);
  } catch {
    // The terminal is gone, so there is nothing to restore.
  }
}

/** Questions go to stderr, so that stdout stays data. */
const output = process.stderr;

const { stdin } = process;

const ESCAPE = "\x1b";
const CTRL_C = "\x03";
const SHOW_CURSOR = "\x1b[?25h";

/** An Escape at the end of a chunk may be the beginning of a longer key. */
const CUT_KEY_MS = 30;

/** A prompt waits 50 ms before it treats an Escape as a single key. */
const LONE_ESCAPE_MS = 60;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface QuestionInput extends PassThrough {
  isTTY: true;
  setRawMode: (isRaw: boolean) => void;
}

interface Question {
  input: QuestionInput;
  joiner: PasteJoiner | undefined;
  isOpen: boolean;
}

/**
 * Hands keys to the open prompt one at a time, so that type-ahead waits for the next prompt. A prompt that reads stdin
 * itself would discard it or leave it to the shell.
 */
class Keyboard {
  readonly #decoder = new TextDecoder();
  #waiting: string[] = [];
  #question: Question | undefined;
  #isPumping = false;
  #cutKey: Timer | undefined;

  readonly #onData = (bytes: Uint8Array): void => {
    clearTimeout(this.#cutKey);
    this.#take(this.#decoder.decode(bytes, { stream: true }));
    if (this.#waiting.at(-1)?.endsWith(ESCAPE) === true) {
      this.#cutKey = setTimeout(() => void this.#pump(), CUT_KEY_MS);
    } else void this.#pump();
  };

  /** A signal during a question restores the terminal. */
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.#forgetSignals();
    this.close();
    output.write(SHOW_CURSOR);
    process.kill(process.pid, signal);
  };

  constructor() {
    stdin.on("data", this.#onData);
    // Stay raw until the last question: in between, the terminal would echo the input and keep it until Enter.
    stdin.setRawMode(true);
    stdin.resume();
  }

  /** `joins` turns pasted lines into one. */
  async ask<T>(put: (input: QuestionInput) => Promise<T>, joins: boolean): Promise<T> {
    const question: Question = {
      input: Object.assign(new PassThrough(), {
        isTTY: true as const,
        setRawMode: (isRaw: boolean): void => this.#turn(question, isRaw),
      }),
      joiner: joins ? new PasteJoiner() : undefined,
      isOpen: false,
    };
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    if (joins) output.write(PASTE_MARKS.on);
    try {
      return await put(question.input);
    } finally {
      this.#turn(question, false);
      if (joins) output.write(PASTE_MARKS.off);
      this.#forgetSignals();
      question.input.destroy();
    }
  }

  close(): void {
    clearTimeout(this.#cutKey);
    stdin.off("data", this.#onData);
    stdin.pause();
    leaveRawMode(stdin);
  }

  #forgetSignals(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }

  /** A prompt resumes and pauses its input when it starts and ends. */
  #turn(question: Question, isOpen: boolean): void {
    question.isOpen = isOpen;
    if (!isOpen) {
      this.#question = undefined;
      return;
    }
    stdin.setRawMode(true);
    this.#question = question;
    // The prompt resumes shortly before it is ready to read.
    setImmediate(() => void this.#pump());
  }

  #take(text: string): void {
    if (this.#question === undefined && text.includes(CTRL_C)) this.#interrupt();
    else if (this.#waiting.at(-1)?.endsWith(ESCAPE) === true)
      this.#waiting.push((this.#waiting.pop() ?? "") + text);
    else this.#waiting.push(text);
  }

  /** Between two prompts a command runs, and a raw terminal sends no signal for Ctrl-C. */
  #interrupt(): void {
    this.#waiting = [];
    stdin.setRawMode(false);
    process.kill(process.pid, "SIGINT");
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#question !== undefined && this.#waiting.length > 0) {
      const text = this.#waiting.shift() ?? "";
      // Text typed before raw mode has newlines for Enter.
      const typed = this.#question.joiner?.push(text) ?? text.replaceAll("\n", "\r");
      const rest = await this.#hand(this.#question, keyStrokes(typed));
      if (rest !== "") this.#waiting.unshift(rest);
    }
    this.#isPumping = false;
  }

  /** Hands keys to a prompt until it is answered; returns the rest. */
  async #hand(question: Question, strokes: readonly string[]): Promise<string> {
    for (const [at, stroke] of strokes.entries()) {
      if (!question.isOpen) return strokes.slice(at).join("");
      question.input.write(stroke);
      if (stroke === ESCAPE) await Bun.sleep(LONE_ESCAPE_MS);
      else await new Promise((resolve) => setImmediate(resolve));
    }
    return "";
  }
}

let holders = 0;
let keyboard: Keyboard | undefined;

/** Holds the keyboard over several questions and the work between them. */
export function holdKeyboard(): Disposable & { keyboard: Keyboard } {
  holders++;
  keyboard ??= new Keyboard();
  return { keyboard, [Symbol.dispose]: release };
}

/** While questions are open, messages are aligned with them. */
export function isKeyboardHeld(): boolean {
  return keyboard !== undefined;
}

export async function askKeyboard<T>(put: (input: QuestionInput) => Promise<T>, joins = false): Promise<T> {
  using held = holdKeyboard();
  return await held.keyboard.ask(put, joins);
}

function release(): void {
  holders--;
  if (holders > 0) return;
  keyboard?.close();
  keyboard = undefined;
}
