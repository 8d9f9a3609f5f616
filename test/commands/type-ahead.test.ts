import { expect, test } from "bun:test";
import { openTerminal } from "../e2e/terminal.ts";
import { keysToml, tempMachine } from "./orouter.ts";
import { CLEAR, CTRL_C, DOWN, ENTER } from "./setup-answers.ts";

const ESCAPE = "\x1b";

const KEYS = keysToml({ provider: "groq", name: "a", value: "gsk-secret-of-a" });

async function openKeys(machine: ReturnType<typeof tempMachine>) {
  await machine.write("keys.toml", KEYS);
  const env = { ...machine.env, TERM: "xterm-256color" };
  return openTerminal(machine.command(["keys"]), machine.folder.path, env, { cols: 80, rows: 24 });
}

const down = (lines: number): string => DOWN.repeat(lines);

test("what is typed ahead of the questions reaches them, one after the other", async () => {
  using machine = tempMachine();
  const terminal = await openKeys(machine);
  await terminal.sees("1 key");
  // The key, Rename, its new name; then Disable, one line below; back, and Done by Escape.
  terminal.type(`${ENTER}${down(2)}${ENTER}${CLEAR}b${ENTER}${DOWN}${ENTER}${ESCAPE}${ESCAPE}`);
  expect(await terminal.child.exited).toBe(0);
  expect(Bun.TOML.parse(await machine.read("keys.toml"))).toMatchObject({
    keys: [{ name: "b", enabled: false }],
  });
});

test.each<[name: string, end: (terminal: Awaited<ReturnType<typeof openKeys>>) => void]>([
  ["SIGTERM", ({ child }) => child.kill("SIGTERM")],
  ["SIGHUP", ({ child }) => child.kill("SIGHUP")],
])("%s in a question gives the terminal back: its cursor too", async (signal, end) => {
  using machine = tempMachine();
  const terminal = await openKeys(machine);
  await terminal.sees("Done");
  end(terminal);
  await terminal.child.exited;
  expect(terminal.child.signalCode).toBe(signal as NodeJS.Signals);
  terminal.child.terminal?.close();
  expect(terminal.raw().lastIndexOf("\x1b[?25h")).toBeGreaterThan(terminal.raw().lastIndexOf("\x1b[?25l"));
});

test("Ctrl-C while something is at work between two questions stops it", async () => {
  using silent = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Promise<Response>(() => {}) });
  using machine = tempMachine();
  await machine.write("config.toml", `[providers.groq]\nbase_url = "http://127.0.0.1:${silent.port}/v1"\n`);
  const terminal = await openKeys(machine);
  await terminal.sees("1 key");
  terminal.type(ENTER);
  await terminal.sees("Test it");
  terminal.type(ENTER);
  await terminal.sees("Testing");
  terminal.type(CTRL_C);
  await terminal.child.exited;
  expect(terminal.child.signalCode).toBe("SIGINT");
});
