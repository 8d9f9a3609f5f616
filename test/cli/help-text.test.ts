import { expect, test } from "bun:test";
import type { Verb } from "../../src/cli/command.ts";
import { helpText } from "../../src/cli/run-command.ts";
import { rootVerb } from "../../src/commands/root.ts";

const VERB: Verb = {
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
  expect(helpText(VERB, ["tool", "paint"], PLAIN)).toBe(`Paint something.

Usage
  tool paint [OPTION…] WHAT [WHERE]

Arguments
  WHAT     What to paint
  [WHERE]

Options
  -c, --colour COLOUR  Which colour
  --no-gloss           Without gloss
  -h, --help           This page

Examples
  tool paint wall  the wall`);
});

test.each<[name: string, width: number, lines: string[]]>([
  [
    "a little narrow: what it does is broken",
    36,
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

/** Every command there is, with how it is called. */
async function everyVerb(verb: Verb, path: readonly string[]): Promise<[string, Verb][]> {
  const below = await Promise.all(
    Object.entries(verb.children).map(async ([name, entry]) =>
      everyVerb(await entry.load(), [...path, name]),
    ),
  );
  return [[path.join(" "), verb], ...below.flat()];
}

test("every command says what it is about and shows an example that calls it", async () => {
  for (const [call, verb] of await everyVerb(rootVerb, ["orouter"])) {
    expect(verb.about, call).not.toBe("");
    expect(verb.examples.length, call).toBeGreaterThan(0);
    for (const example of verb.examples) expect(example.line, call).toStartWith(call);
  }
});

test("a command is about the same thing in its parent's list", async () => {
  for (const [call, verb] of await everyVerb(rootVerb, ["orouter"])) {
    if (!call.startsWith("orouter keys") && !call.startsWith("orouter config")) continue;
    for (const entry of Object.values(verb.children)) {
      expect((await entry.load()).about, call).toStartWith(entry.about);
    }
  }
});
