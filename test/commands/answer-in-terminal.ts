import { openTerminal } from "../e2e/terminal.ts";
import type { tempMachine } from "./orouter.ts";

/** Runs the program in a terminal and types each answer once its cue has appeared. */
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
  // The last output may still be on its way out of the terminal.
  child.terminal?.close();
  return { exitCode, screen: text() };
}
