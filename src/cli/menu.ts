import { Problem } from "../core/problem.ts";
import { askChoice } from "./ask.ts";
import { holdKeyboard } from "./keyboard.ts";
import { talk } from "./talk.ts";

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
