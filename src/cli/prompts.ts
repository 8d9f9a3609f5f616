import { PassThrough } from "node:stream";
import { PASTE_MARKS, PasteJoiner } from "./paste.ts";

/** Questions are talk: they go to stderr, so that stdout stays data. */
const output = process.stderr;

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
  const { password, isCancel } = await import("@clack/prompts");
  const typing = joinedInput();
  try {
    const answer = await password({
      message,
      input: typing.input,
      output,
      validate: (text) =>
        !mayBeNone && (text === undefined || text.trim() === "")
          ? "Paste or type a key, or leave with Ctrl-C."
          : undefined,
    });
    if (isCancel(answer)) return undefined;
    // Where nothing was typed the prompt gives no text at all.
    const text: string | undefined = answer;
    return (text ?? "").split(/\s+/).filter((word) => word !== "");
  } finally {
    typing.close();
  }
}

/** Lets a person choose one of several; typing narrows the list. Undefined: the person left. */
export async function askChoice(
  message: string,
  options: readonly PromptOption[],
): Promise<string | undefined> {
  const { autocomplete, isCancel } = await import("@clack/prompts");
  const answer = await autocomplete({
    message,
    options: [...options],
    maxItems: 12,
    output,
    validate: (value) =>
      value === undefined ? "Nothing on the list matches; delete what you typed." : undefined,
  });
  return isCancel(answer) ? undefined : answer;
}

/** Lets a person tick any number of several; none is an answer too. Undefined: the person left. */
export async function askMany(
  message: string,
  options: readonly PromptOption[],
  ticked: readonly string[] = [],
): Promise<string[] | undefined> {
  const { multiselect, isCancel } = await import("@clack/prompts");
  const answer = await multiselect({
    message,
    options: [...options],
    initialValues: [...ticked],
    required: false,
    maxItems: 10,
    output,
  });
  return isCancel(answer) ? undefined : answer;
}

/** Asks for a line of text that is no secret. Undefined: the person left. */
export async function askText(message: string, options: AskTextOptions = {}): Promise<string | undefined> {
  const { text, isCancel } = await import("@clack/prompts");
  const { initial = "", placeholder = "", fault } = options;
  const answer = await text({
    message,
    initialValue: initial,
    placeholder,
    output,
    validate: (value) => fault?.(value?.trim() ?? ""),
  });
  return isCancel(answer) ? undefined : answer.trim();
}

/** Asks for a yes; anything else is a no. Where a yes is what most people want, Enter alone says it. */
export async function askYes(message: string, isLikely = false): Promise<boolean> {
  const { confirm } = await import("@clack/prompts");
  return (await confirm({ message, initialValue: isLikely, output })) === true;
}

/** The keyboard, with what is pasted made into one line. */
function joinedInput() {
  const { stdin } = process;
  const joiner = new PasteJoiner();
  const decoder = new TextDecoder();
  const pass = (chunk: Uint8Array) => void input.write(joiner.push(decoder.decode(chunk, { stream: true })));
  // The prompt draws itself only for what says it is a terminal.
  const input = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (isRaw: boolean) => void stdin.setRawMode(isRaw),
  });
  output.write(PASTE_MARKS.on);
  stdin.on("data", pass);
  stdin.resume();
  return {
    input,
    close: () => {
      output.write(PASTE_MARKS.off);
      stdin.off("data", pass);
      stdin.setRawMode(false);
      stdin.pause();
      input.destroy();
    },
  };
}
