import { openTerminal } from "../e2e/terminal.ts";
import type { tempMachine } from "./orouter.ts";

/** Runs the program in a terminal and answers what it shows, each word once its cue has come. */
export async function answerInTerminal(
  machine: Pick<ReturnType<typeof tempMachine>, "command" | "env" | "folder">,
  args: readonly string[],
  answers: readonly (readonly [cue: string, typed: string])[],
) {
  const env = { ...machine.env, TERM: "xterm-256color" };
  const size = { cols: 200, rows: 40 };
  const { child, sees, type, text } = openTerminal(machine.command(args), machine.folder.path, env, size);
  for (const [cue, typed] of answers) {
    await sees(cue);
    type(typed);
  }
  const exitCode = await child.exited;
  // Its last words may still be on their way out of the terminal.
  child.terminal?.close();
  return { exitCode, screen: text() };
}
