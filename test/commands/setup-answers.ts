import type { openTerminal } from "../e2e/terminal.ts";

export const ENTER = "\r";
export const SPACE = " ";
export const DOWN = "\x1b[B";
export const CTRL_C = "\x03";
/** Clears the line. */
export const CLEAR = "\x15";

/** The text to wait for, and what is typed then or the line that is chosen. */
export type Answer = readonly [cue: string, typed: string | { line: string }];

/** What a terminal sends for pasted text. */
export function pasted(lines: readonly string[]): string {
  return `\x1b[200~${lines.join("\n")}\n\x1b[201~`;
}

export async function give(
  terminal: ReturnType<typeof openTerminal>,
  answers: readonly Answer[],
): Promise<void> {
  for (const [cue, typed] of answers) {
    await terminal.sees(cue);
    // The next cue may follow directly.
    if (typed === "") continue;
    if (typeof typed === "string") {
      terminal.forget();
      terminal.type(typed);
    } else await terminal.choose(typed.line);
  }
}

/** From nothing to a chain of two models of a custom service. */
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
