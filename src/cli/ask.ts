import { Problem } from "../core/problem.ts";
import { usageFault } from "./command.ts";
import { askKeyboard, holdKeyboard, type QuestionInput } from "./keyboard.ts";
import { isInteractive, talk } from "./talk.ts";
import { hangingLines, sized, talkWidth } from "./text.ts";

export interface MenuChoice {
  label: string;
  hint?: string;
  /** "leave" closes this menu; anything else shows it again. */
  run: () => Promise<"leave" | undefined> | Promise<void>;
}

/**
 * Builds the menu again after every choice, so that it always shows the current state. Escape and Ctrl-C go one menu
 * back. A Problem of one choice is printed and the menu stays.
 */
export async function runMenu(
  message: string | (() => string),
  choices: () => Promise<readonly MenuChoice[]>,
): Promise<void> {
  using _held = holdKeyboard();
  let last: string | undefined;
  for (;;) {
    const open = await choices();
    const options = open.map(({ label, hint }, at) => ({
      value: String(at),
      label,
      ...(hint === undefined ? {} : { hint }),
    }));
    const again = options.find(({ label }) => label === last)?.value;
    const answer = await askChoice(typeof message === "string" ? message : message(), options, again);
    if (answer === undefined) return;
    const chosen = open[Number(answer)];
    last = chosen?.label;
    try {
      if ((await chosen?.run()) === "leave") return;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      talk.warn(error.fix === undefined ? error.message : `${error.message}\n${error.fix}`);
    }
  }
}

/** Questions go to stderr, so that stdout stays data. */
const output = sized(process.stderr);

/** A longer list can be searched; in a shorter one the search field would only take room. */
const LIST_ROWS = 12;

export interface PromptOption {
  value: string;
  label: string;
  hint?: string;
}

export interface AskTextOptions {
  initial?: string;
  placeholder?: string;
  fault?: (answer: string) => string | undefined;
}

/** Hides the input; several keys may be pasted, one per line. Undefined if cancelled. */
export async function askSecrets(message: string, mayBeNone = false): Promise<string[] | undefined> {
  const { password } = await import("@clack/prompts");
  const validate = (text: string | undefined) =>
    !mayBeNone && (text === undefined || text.trim() === "")
      ? "Paste or type a key, or leave with Ctrl-C."
      : undefined;
  const put = (input: QuestionInput) => password({ message, input, output, validate });
  const answer = await askKeyboard(put, true);
  if (typeof answer === "symbol") return undefined;
  // The prompt returns undefined for an empty answer, unlike its type says.
  const text: string | undefined = answer;
  return (text ?? "").split(/\s+/).filter((word) => word !== "");
}

/** Typing filters a long list. Undefined if cancelled. */
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

/** An empty choice is allowed. Undefined if cancelled. */
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

/** Undefined if cancelled. */
export async function askText(message: string, options: AskTextOptions = {}): Promise<string | undefined> {
  const { text } = await import("@clack/prompts");
  const { initial = "", placeholder = "", fault } = options;
  const validate = (value: string | undefined) => fault?.(value?.trim() ?? "");
  const question = { message, initialValue: initial, placeholder, validate };
  const answer = await askKeyboard((input) => text({ ...question, input, output }));
  return typeof answer === "symbol" ? undefined : answer.trim();
}

/** `isLikely` makes yes the answer to Enter. */
export async function askYes(message: string, isLikely = false): Promise<boolean> {
  const { confirm } = await import("@clack/prompts");
  return (await askKeyboard((input) => confirm({ message, initialValue: isLikely, input, output }))) === true;
}

export interface SureQuestion {
  question: string;
  /** The command with `--yes`, for runs without a terminal. */
  call: string;
  /** Why nothing happens there; the default says that something would be lost. */
  unattended?: string;
  isLikely?: boolean;
}

export async function askSure({
  question,
  call,
  unattended,
  isLikely = false,
}: SureQuestion): Promise<boolean> {
  if (!isInteractive())
    throw usageFault(unattended ?? "This needs a confirmation.", `Confirm with --yes: ${call}`);
  return await askYes(question, isLikely);
}

/** Messages between questions, aligned with their line on the left. */
export interface Guide {
  begin: (title: string) => void;
  tell: (...lines: readonly string[]) => void;
  succeed: (...lines: readonly string[]) => void;
  warn: (...lines: readonly string[]) => void;
  end: (...lines: readonly string[]) => void;
}

const MARGIN = 3;

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

/** Wraps only lines that are too long, to keep the layout of the others. */
function fit(lines: readonly string[]): string[] {
  const room = talkWidth() - MARGIN;
  return lines.flatMap((line) => {
    if (Bun.stringWidth(line) <= room) return [line];
    const front = FRONT.exec(line)?.[0] ?? "";
    return hangingLines(front, line.slice(front.length), room);
  });
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface Interruption {
  signal: AbortSignal;
  [Symbol.dispose]: () => void;
}

/** Listens for Ctrl-C and SIGTERM, so that a command can end cleanly. */
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
