import { expect, test } from "bun:test";
import type { Command } from "../../src/cli/command.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { rootCommand } from "../../src/commands/root.ts";
import { AGENTS } from "../../src/harness/registry.ts";
import { hollow, wordsOf } from "./hollow.ts";

async function examplesOf(
  command: Command,
  path: readonly string[],
): Promise<{ call: string; line: string }[]> {
  const below = await Promise.all(
    Object.entries(command.children).map(async ([name, entry]) =>
      examplesOf(await entry.load(), [...path, name]),
    ),
  );
  return [...command.examples.map(({ line }) => ({ call: path.join(" "), line })), ...below.flat()];
}

const EXAMPLES = await examplesOf(rootCommand, ["orouter"]);

test.each(EXAMPLES.map(({ call, line }) => [line, call] as const))(
  "the example %s is taken",
  async (line, call) => {
    const called: string[] = [];
    const [program, ...words] = wordsOf(line);
    expect(program).toBe("orouter");
    // Our parser never sees the arguments of an agent.
    if (Object.hasOwn(AGENTS, words[0] ?? "")) return;
    expect(await runCommand(hollow(rootCommand, called, ["orouter"]), words)).toBe(0);
    expect(called[0]).toStartWith(call);
  },
);
