import { PassThrough } from "node:stream";
import { PASTE_MARKS, PasteJoiner } from "./paste.ts";

/**
 * A key as a terminal sends it: a sequence, Alt with a letter, or one character. Escape with anything else behind it is
 * a key of its own: somebody pressed two in a row.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: keys that are no letters begin with Escape
const STROKE = /\x1b\[[0-?]*[ -/]*[@-~]|\x1bO[@-~]|\x1b[A-Za-z0-9.\x7f]|./gsu;

/** What was typed, key by key. */
export function keyStrokes(text: string): string[] {
  return text.match(STROKE) ?? [];
}

/** Has the keyboard make lines and signals again. A terminal that was closed has no mode to give back. */
export function leaveRawMode(stdin: { setRawMode: (isRaw: boolean) => unknown }): void {
  try {
    stdin.setRawMode(false);
  } catch {
    // Leaving because the terminal is gone must not wait for it.
  }
}

/** Questions are talk: they go to stderr, so that stdout stays data. */
const output = process.stderr;

const { stdin } = process;

const ESCAPE = "\x1b";
const CTRL_C = "\x03";
const SHOW_CURSOR = "\x1b[?25h";

/** An Escape at the end of what has come may be the beginning of a key whose rest is on its way. */
const CUT_KEY_MS = 30;

/** A question takes a lone Escape for one when nothing has come behind it for 50 ms. */
const LONE_ESCAPE_MS = 60;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What a question reads its keys from. */
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
 * The keyboard, as long as questions are asked. It hands keys to the open question one at a time: what somebody types
 * ahead waits for the next one, where a question that reads for itself would throw it away or leave it to the shell.
 */
class Keyboard {
  readonly #decoder = new TextDecoder();
  /** What has come and was not handed on yet, as it came. */
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
    // Raw until the last question: in between the terminal would show what is typed, and keep it to itself.
    stdin.setRawMode(true);
    stdin.resume();
  }

  /** Puts one question; `joins` makes what is pasted into one line. */
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

  /** A question says by this that it listens, and that it has its answer. */
  #turn(question: Question, isOpen: boolean): void {
    question.isOpen = isOpen;
    if (!isOpen) {
      this.#question = undefined;
      return;
    }
    stdin.setRawMode(true);
    this.#question = question;
    // It says so a moment before it is quite ready.
    setImmediate(() => void this.#pump());
  }

  #take(text: string): void {
    if (this.#question === undefined && text.includes(CTRL_C)) this.#interrupt();
    else if (this.#waiting.at(-1)?.endsWith(ESCAPE) === true)
      this.#waiting.push((this.#waiting.pop() ?? "") + text);
    else this.#waiting.push(text);
  }

  /** Between two questions something is at work, and a raw terminal makes no signal of the key. */
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
      // What was typed before the terminal was raw has Enter as a line end.
      const typed = this.#question.joiner?.push(text) ?? text.replaceAll("\n", "\r");
      const rest = await this.#hand(this.#question, keyStrokes(typed));
      if (rest !== "") this.#waiting.unshift(rest);
    }
    this.#isPumping = false;
  }

  /** Gives keys to a question until it has its answer; what is left over comes back. */
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

/** Takes the keyboard for several questions and what is done between them. */
export function holdKeyboard(): Disposable & { keyboard: Keyboard } {
  holders++;
  keyboard ??= new Keyboard();
  return { keyboard, [Symbol.dispose]: release };
}

/** Whether questions are open: messages are then drawn along their line. */
export function isKeyboardHeld(): boolean {
  return keyboard !== undefined;
}

/** Asks one question at the keyboard. */
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
