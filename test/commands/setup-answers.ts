import type { openTerminal } from "../e2e/terminal.ts";

export const ENTER = "\r";
export const SPACE = " ";
export const DOWN = "\x1b[B";
export const CTRL_C = "\x03";
/** Takes away what stands on the line already. */
export const CLEAR = "\x15";

/** What has to be on the screen, and what is typed then, or the line of the list that is taken. */
export type Answer = readonly [cue: string, typed: string | { line: string }];

/** What a terminal sends when somebody pastes. */
export function pasted(lines: readonly string[]): string {
  return `\x1b[200~${lines.join("\n")}\n\x1b[201~`;
}

/** Answers questions, each once it is there. */
export async function give(
  terminal: ReturnType<typeof openTerminal>,
  answers: readonly Answer[],
): Promise<void> {
  for (const [cue, typed] of answers) {
    await terminal.sees(cue);
    // What is only looked at may have the next cue right behind it.
    if (typed === "") continue;
    if (typeof typed === "string") {
      terminal.forget();
      terminal.type(typed);
    } else await terminal.choose(typed.line);
  }
}

/** From nothing to a chain of two models of a service of one's own. */
export function ownService(address: string, secrets: readonly string[], second: string): Answer[] {
  return [
    ["Which services", `${DOWN.repeat(3)}${SPACE}${ENTER}`],
    ["Base URL of the service", `${address}${ENTER}`],
    ["Short name of the service", `${CLEAR}box${ENTER}`],
    ["Keys for box", `${pasted(secrets)}${ENTER}`],
    ["Which model is tried first?", ENTER],
    ["is tried after", { line: second }],
    [`Which model is tried after box/${second}?`, ENTER],
    ["Name of this chain", ENTER],
    ["Write this?", ENTER],
  ];
}
