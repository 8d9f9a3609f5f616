import { expect, test } from "bun:test";
import { findScene } from "../../src/demo/scenes.ts";
import { withUpstream } from "../demo/ask.ts";
import { orouterBinary } from "./binary.ts";
import { e2eMachine } from "./machine.ts";
import { openTerminal } from "./terminal.ts";

const CTRL_C = "\x03";
const CTRL_Z = "\x1a";

test("the terminal interface works through orouter: a prompt, another size, Ctrl-C", async () => {
  const scene = findScene("rotation");
  if (scene === undefined) throw new Error("the scene is missing");
  await withUpstream(scene, async (upstream) => {
    using machine = e2eMachine();
    machine.configure(upstream.baseUrl, scene.keys);
    const command = [orouterBinary(), "opencode", "-m", "ollama-cloud/gpt-oss:120b"];
    const terminal = openTerminal(command, machine.project, machine.env);
    await terminal.sees("Ask anything");
    terminal.redraw(100, 30);
    terminal.type("say hello");
    await terminal.sees("say hello");
    terminal.type("\r");
    await terminal.sees("Hello!");
    // While the interface owns the terminal not a word of ours may be on it.
    expect(terminal.text()).not.toContain("[orouter]");
    terminal.type(CTRL_C);
    await terminal.child.exited;
    expect(terminal.child.exitCode).toBe(0);
    expect(terminal.text()).toContain("[orouter]");
    expect(machine.leftovers()).toEqual([]);
  });
});

test("Ctrl-Z stops both, and fg brings the interface back", async () => {
  const scene = findScene("rotation");
  if (scene === undefined) throw new Error("the scene is missing");
  await withUpstream(scene, async (upstream) => {
    using machine = e2eMachine();
    machine.configure(upstream.baseUrl, scene.keys);
    const shell = openTerminal(["bash", "--norc", "-i"], machine.project, { ...machine.env, PS1: "shell> " });
    await shell.sees("shell>");
    shell.type(`${orouterBinary()} opencode -m ollama-cloud/gpt-oss:120b\r`);
    await shell.sees("Ask anything");
    shell.forget();
    shell.type(CTRL_Z);
    await shell.sees("Stopped");
    // Its prompt may come a moment later, and must not be taken for the one at the end.
    await shell.sees("shell>");
    shell.forget();
    shell.type("fg\r");
    await shell.sees("Ask anything");
    shell.type("say hello\r");
    await shell.sees("Hello!");
    shell.type(CTRL_C);
    await shell.sees("shell>");
    shell.type("exit\r");
    await shell.child.exited;
    expect(machine.leftovers()).toEqual([]);
  });
});
