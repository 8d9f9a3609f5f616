import { expect } from "bun:test";
import { findScene, type Scene } from "../../src/demo/scenes.ts";
import { orouterBinary } from "./binary.ts";
import { MODEL, onStage, scenario } from "./scenario.ts";
import { openTerminal } from "./terminal.ts";

const CTRL_C = "\x03";
const CTRL_Z = "\x1a";

function rotation(): Scene {
  const scene = findScene("rotation");
  if (scene === undefined) throw new Error("the scene is missing");
  return scene;
}

scenario("the terminal interface works through orouter: a prompt, another size, Ctrl-C", (program) =>
  onStage(program, rotation(), "", async (machine) => {
    machine.chooseModel(`ollama-cloud/${MODEL}`);
    const terminal = openTerminal([orouterBinary(), "opencode"], machine.project, machine.env);
    try {
      await terminal.sees("Ask anything");
      terminal.redraw(100, 30);
      terminal.type("say hello");
      await terminal.sees("say hello");
      await terminal.enterUntil("Hello!");
      // While the interface owns the terminal, orouter must print nothing.
      expect(terminal.text()).not.toContain("[orouter]");
      terminal.type(CTRL_C);
      await terminal.child.exited;
      expect(terminal.child.exitCode).toBe(0);
      expect(terminal.text()).toContain("[orouter]");
    } finally {
      terminal.child.kill();
      await terminal.child.exited;
    }
  }),
);

scenario("Ctrl-Z stops both, and fg brings the interface back", (program) =>
  onStage(program, rotation(), "", async (machine) => {
    machine.chooseModel(`ollama-cloud/${MODEL}`);
    const shell = openTerminal(["bash", "--norc", "-i"], machine.project, { ...machine.env, PS1: "shell> " });
    try {
      await shell.sees("shell>");
      shell.type(`${orouterBinary()} opencode\r`);
      await shell.sees("Ask anything");
      shell.forget();
      shell.type(CTRL_Z);
      await shell.sees("Stopped");
      // The prompt may come a moment later and must not be mistaken for the one at the end.
      await shell.sees("shell>");
      shell.forget();
      shell.type("fg\r");
      await shell.sees("Ask anything");
      shell.type("say hello");
      await shell.enterUntil("Hello!");
      shell.type(CTRL_C);
      await shell.sees("shell>");
      shell.type("exit\r");
      await shell.child.exited;
    } finally {
      shell.child.kill("SIGKILL");
      await shell.child.exited;
    }
  }),
);
