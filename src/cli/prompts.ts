import { askKeyboard, type QuestionInput } from "./keyboard.ts";
import { sized } from "./sized.ts";

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
  const validate = (value: unknown) =>
    value === undefined ? "Nothing on the list matches; delete what you typed." : undefined;
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
