import { expect, test } from "bun:test";
import { runVerb } from "../../src/cli/run-verb.ts";
import type { Verb } from "../../src/cli/verb.ts";
import { rootVerb } from "../../src/commands/root.ts";

/** The same commands, with nothing behind them: what is left is how they take their words. */
function hollow(verb: Verb, called: string[], path: readonly string[]): Verb {
  const run = async (): Promise<number> => {
    called.push(path.join(" "));
    return 0;
  };
  const children = Object.entries(verb.children).map(([name, entry]) => {
    const load = async () => hollow(await entry.load(), called, [...path, name]);
    return [name, { ...entry, load }] as const;
  });
  return {
    ...verb,
    ...(verb.run === undefined ? {} : { run }),
    children: Object.fromEntries(children),
  };
}

async function examplesOf(verb: Verb, path: readonly string[]): Promise<{ call: string; line: string }[]> {
  const below = await Promise.all(
    Object.entries(verb.children).map(async ([name, entry]) =>
      examplesOf(await entry.load(), [...path, name]),
    ),
  );
  return [...verb.examples.map(({ line }) => ({ call: path.join(" "), line })), ...below.flat()];
}

/** The words of a line as a shell would hand them on, up to a pipe or a redirection. */
function wordsOf(line: string): string[] {
  const [own = ""] = line.split(/ [|<>]/);
  return [...own.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? "",
  );
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
