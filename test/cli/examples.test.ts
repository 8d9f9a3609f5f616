import { expect, test } from "bun:test";
import type { Verb } from "../../src/cli/command.ts";
import { runVerb } from "../../src/cli/run-command.ts";
import { rootVerb } from "../../src/commands/root.ts";
import { hollow, wordsOf } from "./hollow.ts";

async function examplesOf(verb: Verb, path: readonly string[]): Promise<{ call: string; line: string }[]> {
  const below = await Promise.all(
    Object.entries(verb.children).map(async ([name, entry]) =>
      examplesOf(await entry.load(), [...path, name]),
    ),
  );
  return [...verb.examples.map(({ line }) => ({ call: path.join(" "), line })), ...below.flat()];
}

const EXAMPLES = await examplesOf(rootVerb, ["orouter"]);

test.each(EXAMPLES.map(({ call, line }) => [line, call] as const))(
  "the example %s is taken",
  async (line, call) => {
    const called: string[] = [];
    const [program, ...words] = wordsOf(line);
    expect(program).toBe("orouter");
    // Everything behind `opencode` is opencode's, and none of our parser's business.
    if (words[0] === "opencode") return;
    expect(await runVerb(hollow(rootVerb, called, ["orouter"]), words)).toBe(0);
    expect(called[0]).toStartWith(call);
  },
);
