import { usageFault } from "./command.ts";
import { askKeyboard, type QuestionInput } from "./keyboard.ts";
import { isInteractive } from "./talk.ts";
import { hangingLines, sized, talkWidth } from "./text.ts";

/** Questions are talk: they go to stderr, so that stdout stays data. */
const output = sized(process.stderr);

/** What is seen at once. A longer list can be searched; in a shorter one that would only be a line more to read. */
const LIST_ROWS = 12;

/** One of the things to choose from. */
export interface PromptOption {
  value: string;
  label: string;
  hint?: string;
}

export interface AskTextOptions {
  initial?: string;
  placeholder?: string;
  /** Says what is wrong with an answer; undefined where nothing is. */
  fault?: (answer: string) => string | undefined;
}

/** Asks for keys without showing them; several may be pasted, one a line. Undefined: the person left. */
export async function askSecrets(message: string, mayBeNone = false): Promise<string[] | undefined> {
  const { password } = await import("@clack/prompts");
  const validate = (text: string | undefined) =>
    !mayBeNone && (text === undefined || text.trim() === "")
      ? "Paste or type a key, or leave with Ctrl-C."
      : undefined;
  const put = (input: QuestionInput) => password({ message, input, output, validate });
  const answer = await askKeyboard(put, true);
  if (typeof answer === "symbol") return undefined;
  // Where nothing was typed the prompt gives no text at all.
  const text: string | undefined = answer;
  return (text ?? "").split(/\s+/).filter((word) => word !== "");
}

/**
 * Lets a person choose one of several, beginning at one of them; where there are many, typing narrows the list.
 * Undefined: the person left.
 */
export async function askChoice(
  message: string,
  options: readonly PromptOption[],
  at?: string,
): Promise<string | undefined> {
  const { autocomplete, select } = await import("@clack/prompts");
  const question = {
    message,
    options: [...options],
    maxItems: LIST_ROWS,
    output,
    ...(at === undefined ? {} : { initialValue: at }),
  };
  const validate = (value: unknown) => (value === undefined ? "No match; delete what you typed." : undefined);
  const answer = await askKeyboard((input) =>
    options.length <= LIST_ROWS
      ? select({ ...question, input })
      : autocomplete({ ...question, input, validate }),
  );
  return typeof answer === "symbol" ? undefined : answer;
}

/** Lets a person tick any number of several; none is an answer too. Undefined: the person left. */
export async function askMany(
  message: string,
  options: readonly PromptOption[],
  ticked: readonly string[] = [],
): Promise<string[] | undefined> {
  const { multiselect } = await import("@clack/prompts");
  const question = {
    message,
    options: [...options],
    initialValues: [...ticked],
    required: false,
    maxItems: 10,
  };
  const answer = await askKeyboard((input) => multiselect({ ...question, input, output }));
  return typeof answer === "symbol" ? undefined : answer;
}

/** Asks for a line of text that is no secret. Undefined: the person left. */
export async function askText(message: string, options: AskTextOptions = {}): Promise<string | undefined> {
  const { text } = await import("@clack/prompts");
  const { initial = "", placeholder = "", fault } = options;
  const validate = (value: string | undefined) => fault?.(value?.trim() ?? "");
  const question = { message, initialValue: initial, placeholder, validate };
  const answer = await askKeyboard((input) => text({ ...question, input, output }));
  return typeof answer === "symbol" ? undefined : answer.trim();
}

/** Asks for a yes; anything else is a no. Where a yes is what most people want, Enter alone says it. */
export async function askYes(message: string, isLikely = false): Promise<boolean> {
  const { confirm } = await import("@clack/prompts");
  return (await askKeyboard((input) => confirm({ message, initialValue: isLikely, input, output }))) === true;
}

/** Something that is not done without a yes. */
export interface SureQuestion {
  question: string;
  /** The command with `--yes`, for runs without a terminal. */
  call: string;
  /** Why nothing is done there; only needed where it is not about something that would be gone. */
  nobody?: string;
  /** Enter alone says yes. */
  isLikely?: boolean;
}

/** Confirms something that cannot be undone. Without a terminal `--yes` is required. */
export async function askSure({ question, call, nobody, isLikely = false }: SureQuestion): Promise<boolean> {
  if (!isInteractive())
    throw usageFault(nobody ?? "This needs a confirmation.", `Confirm with --yes: ${call}`);
  return await askYes(question, isLikely);
}

/** Messages between questions, along the same line on the left. */
export interface Guide {
  begin: (title: string) => void;
  tell: (...lines: readonly string[]) => void;
  succeed: (...lines: readonly string[]) => void;
  warn: (...lines: readonly string[]) => void;
  end: (...lines: readonly string[]) => void;
}

/** The line on the left, and the blanks behind it. */
const MARGIN = 3;

/** Loads what draws the line. */
export async function openGuide(): Promise<Guide> {
  const { intro, log, outro } = await import("@clack/prompts");
  return {
    begin: (title) => intro(title, { output }),
    tell: (...lines) => {
      if (lines.length > 0) log.info(fit(lines).join("\n"), { output });
    },
    succeed: (...lines) => log.success(fit(lines).join("\n"), { output }),
    warn: (...lines) => log.warn(fit(lines).join("\n"), { output }),
    end: (...lines) => outro(fit(lines).join(`\n${" ".repeat(MARGIN)}`), { output }),
  };
}

/** The part before a gap; wrapped text continues below the part after it. */
const FRONT = /^(?: *\S+ {2,}| *)/;

/** Breaks the lines that are too long; one that fits stays as it is laid out. */
function fit(lines: readonly string[]): string[] {
  const room = talkWidth() - MARGIN;
  return lines.flatMap((line) => {
    if (Bun.stringWidth(line) <= room) return [line];
    const front = FRONT.exec(line)?.[0] ?? "";
    return hangingLines(front, line.slice(front.length), room);
  });
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A request to stop a command that keeps running. */
export interface Interruption {
  signal: AbortSignal;
  /** Removes the signal listeners. */
  [Symbol.dispose]: () => void;
}

/** Listens for Ctrl-C and its kin, so that a command can end cleanly. */
export function listenForInterruption(): Interruption {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: stop.signal,
    [Symbol.dispose]: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}

/** Waits for the first signal; a second one gets the system's default. */
export function untilStopped(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const name of SIGNALS) process.once(name, () => resolve());
  return promise;
}

/** Waits, but not beyond the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = (): void => resolve();
  const timer = setTimeout(end, ms);
  signal.addEventListener("abort", end, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", end);
}
