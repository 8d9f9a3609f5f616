import { expect, test } from "bun:test";
import type { Command } from "../../src/cli/command.ts";
import { helpText } from "../../src/cli/run-command.ts";
import { rootCommand } from "../../src/commands/root.ts";

const VERB: Command = {
  name: "paint",
  about: "Paint something",
  examples: [{ line: "tool paint wall", does: "the wall" }],
  args: {
    what: { type: "positional", description: "What to paint" },
    where: { type: "positional", required: false },
    colour: { type: "string", alias: "c", description: "Which colour", valueHint: "COLOUR" },
    gloss: { type: "boolean", default: true, negativeDescription: "Without gloss" },
  },
  run: async () => 0,
  children: {},
};

const PLAIN = { hasColour: false, width: Number.POSITIVE_INFINITY };

test("a help page says how to call it, with what, and shows an example", () => {
  expect(helpText(VERB, ["tool", "paint"], PLAIN)).toBe(`Paint something

Usage
  tool paint [OPTION…] WHAT [WHERE]

Arguments
  WHAT     What to paint
  [WHERE]

Options
  -c, --colour COLOUR  Which colour
  --no-gloss           Without gloss
  -h, --help           Show this page

Examples
  tool paint wall  the wall`);
});

test.each<[name: string, width: number, lines: string[]]>([
  [
    "a little narrow: what it does is broken",
    38,
    ["  -c, --colour COLOUR  Which colour", "  tool paint wall  the wall"],
  ],
  ["narrow: it stands below", 28, ["  -c, --colour COLOUR", "      Which colour", "  -h, --help"]],
])("in a terminal that is %s", (_name, width, lines) => {
  const page = helpText(VERB, ["tool", "paint"], { ...PLAIN, width });
  for (const line of lines) expect(page.split("\n")).toContain(line);
  const [, parts = ""] = page.split("\n\nArguments\n");
  for (const line of parts.split("\n")) expect(line.length, line).toBeLessThanOrEqual(width);
});

test("only the headings are set off where there is colour", () => {
  const page = helpText(VERB, ["tool", "paint"], { ...PLAIN, hasColour: true });
  expect(Bun.stripANSI(page)).toBe(helpText(VERB, ["tool", "paint"], PLAIN));
  expect(page).not.toBe(Bun.stripANSI(page));
});

async function everyCommand(command: Command, path: readonly string[]): Promise<[string, Command][]> {
  const below = await Promise.all(
    Object.entries(command.children).map(async ([name, entry]) =>
      everyCommand(await entry.load(), [...path, name]),
    ),
  );
  return [[path.join(" "), command], ...below.flat()];
}

test("every command says what it is about and shows an example that calls it", async () => {
  for (const [call, command] of await everyCommand(rootCommand, ["orouter"])) {
    expect(command.about, call).not.toBe("");
    expect(command.examples.length, call).toBeGreaterThan(0);
    for (const example of command.examples) expect(example.line, call).toStartWith(call);
  }
});

test("a command is about the same thing in its parent's list", async () => {
  for (const [call, command] of await everyCommand(rootCommand, ["orouter"])) {
    for (const entry of Object.values(command.children)) {
      expect((await entry.load()).about, call).toBe(entry.about);
    }
  }
});

/** The verbs that begin a help line, as in `Add a key`. */
const IMPERATIVES = new Set(
  "Add Apply Change Check Choose Create Delete Disable Download Enable End Export Find Give Import Include Insert Keep List Listen Look Measure Move Name Open Overwrite Play Print Prompt Read Redraw Replay Refresh Remove Rename Run Send Serve Set Show Skip Start Store Test Write".split(
    " ",
  ),
);

test("every line of help is an imperative of at most 60 characters without a final dot", async () => {
  for (const [call, command] of await everyCommand(rootCommand, ["orouter"])) {
    const flags = Object.entries(command.args).map(([name, arg]) => [`${call} ${name}`, arg.description]);
    for (const [where, line = ""] of [[call, command.about], ...flags]) {
      expect(line.length, `${where}: ${line}`).toBeLessThanOrEqual(60);
      expect(line, where).not.toEndWith(".");
      expect(IMPERATIVES, `${where}: ${line}`).toContain(line.split(/[ ,]/)[0] ?? "");
    }
  }
});
