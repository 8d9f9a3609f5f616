import { Problem } from "../core/problem.ts";
import { failureText } from "./failure.ts";
import { say } from "./io.ts";
import { askChoice } from "./prompts.ts";

/** One line of a menu, and what happens when it is chosen. */
export interface MenuChoice {
  label: string;
  hint?: string;
  /** "leave" closes this menu; anything else comes back to it. */
  run: () => Promise<"leave" | undefined> | Promise<void>;
}

/**
 * A menu that is made anew after every choice, so that it always shows how things are now. Escape and Ctrl-C go one
 * menu back. A problem with one choice is told, and the menu stays. A message that is a function is made anew as well.
 */
export async function runMenu(
  message: string | (() => string),
  choices: () => Promise<readonly MenuChoice[]>,
): Promise<void> {
  for (;;) {
    const open = await choices();
    const options = open.map(({ label, hint }, at) => ({
      value: String(at),
      label,
      ...(hint === undefined ? {} : { hint }),
    }));
    const answer = await askChoice(typeof message === "string" ? message : message(), options);
    if (answer === undefined) return;
    try {
      if ((await open[Number(answer)]?.run()) === "leave") return;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      say(failureText(error));
    }
  }
}
