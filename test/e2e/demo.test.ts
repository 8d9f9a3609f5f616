import { expect, test } from "bun:test";
import { orouterBinary } from "./binary.ts";
import { e2eMachine } from "./machine.ts";
import { openTerminal } from "./terminal.ts";

test("a prompt is told as it goes on stderr, and stdout has the answer alone", async () => {
  using machine = e2eMachine();
  const run = await machine.orouter(["demo", "--", "run", "say hello"]);
  expect(run.exitCode).toBe(0);
  expect(run.stdout).toStartWith("Hello! This is gpt-oss:120b");
  expect(run.stdout).not.toContain("[demo]");
  expect(run.stderr).toStartWith("Two keys fail, the third answers.");
  expect(run.stderr).toContain("Look for an answer without an error");
  const told = run.stderr.split("\n").filter((line) => line.startsWith("[demo]"));
  expect(told.filter((line) => line.includes("401 unauthorized")).length).toBeGreaterThan(0);
  expect(told.filter((line) => line.includes("invalid key")).length).toBeGreaterThan(0);
  expect(told.filter((line) => line.includes("→ answered by gpt-oss:120b")).length).toBeGreaterThan(0);
  expect(machine.leftovers()).toEqual([]);
});

test("every line that opencode prints for scripts stays whole", async () => {
  using machine = e2eMachine();
  const words = ["demo", "--scene", "broken", "--", "run", "--format", "json", "say hello"];
  const run = await machine.orouter(words);
  expect(run.exitCode).toBe(0);
  const kinds = run.stdout
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { type: string }).type);
  expect(kinds).toContain("text");
});

test("in a terminal a scene is chosen, and its story told when opencode has gone", async () => {
  using machine = e2eMachine();
  const terminal = openTerminal([orouterBinary(), "demo"], machine.project, machine.env, {
    cols: 80,
    rows: 24,
  });
  await terminal.sees("Choose a demo:");
  terminal.type("plan");
  await terminal.sees("A model that two keys have no plan for");
  terminal.type("\r");
  await terminal.sees("Ask anything");
  terminal.type("hello\r");
  await terminal.sees("Hello!");
  terminal.forget();
  terminal.type("\x03");
  await terminal.sees("What happened (A model that two keys have no plan for)");
  await terminal.child.exited;
  expect(terminal.text()).toContain("402 not in the free plan");
  expect(terminal.text()).toContain("cools down for 5 h on glm-5.2: not in the plan");
  expect(machine.leftovers()).toEqual([]);
});

test("who leaves the list of scenes plays none", async () => {
  using machine = e2eMachine();
  const terminal = openTerminal([orouterBinary(), "demo"], machine.project, machine.env);
  await terminal.sees("Choose a demo:");
  terminal.type("\x03");
  await terminal.sees("No scene was chosen.");
  expect(await terminal.child.exited).toBe(1);
});
