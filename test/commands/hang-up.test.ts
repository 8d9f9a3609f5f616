import { expect, test } from "bun:test";
import { openTerminal } from "../e2e/terminal.ts";
import { chainMachine } from "./chain-machine.ts";

test.each<[words: string[], cue: string, end: { code: number | null; signal: "SIGHUP" | null }]>([
  [["keys"], "2 keys", { code: null, signal: "SIGHUP" }],
  [["keys", "add", "nvidia"], "Key for NVIDIA", { code: null, signal: "SIGHUP" }],
  [["chain"], "Chains", { code: null, signal: "SIGHUP" }],
  [["setup"], "Which services", { code: null, signal: "SIGHUP" }],
  [["status", "--watch"], "q quits", { code: 0, signal: null }],
])("%j ends with the terminal it is in", async (words, cue, end) => {
  await using machine = await chainMachine();
  const env = { ...machine.env, TERM: "xterm-256color" };
  const { child, sees } = openTerminal(machine.command(words), machine.folder.path, env);
  await sees(cue);
  child.terminal?.close();
  await child.exited;
  expect({ code: child.exitCode, signal: child.signalCode }).toEqual(end);
});
