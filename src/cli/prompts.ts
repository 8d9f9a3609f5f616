import { PassThrough } from "node:stream";
import { PASTE_MARKS, PasteJoiner } from "./paste.ts";

/** Questions are talk: they go to stderr, so that stdout stays data. */
const output = process.stderr;

/** Asks for keys without showing them; several may be pasted, one a line. Undefined: the person left. */
export async function askSecrets(message: string): Promise<string[] | undefined> {
  const { password, isCancel } = await import("@clack/prompts");
  const typing = joinedInput();
  try {
    const answer = await password({
      message,
      input: typing.input,
      output,
      validate: (text) =>
        text === undefined || text.trim() === "" ? "Paste or type a key, or leave with Ctrl-C." : undefined,
    });
    return isCancel(answer) ? undefined : answer.split(/\s+/).filter((word) => word !== "");
  } finally {
    typing.close();
  }
}

/** Lets a person choose one of several; typing narrows the list. Undefined: the person left. */
export async function askChoice(
  message: string,
  options: readonly { value: string; label: string; hint?: string }[],
): Promise<string | undefined> {
  const { autocomplete, isCancel } = await import("@clack/prompts");
  const answer = await autocomplete({ message, options: [...options], maxItems: 8, output });
  return isCancel(answer) ? undefined : answer;
}

/** Asks for a yes; anything else is a no. */
export async function askYes(message: string): Promise<boolean> {
  const { confirm } = await import("@clack/prompts");
  return (await confirm({ message, initialValue: false, output })) === true;
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
