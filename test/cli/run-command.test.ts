import { expect, test } from "bun:test";
import { type Command, defineCommand } from "../../src/cli/command.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { problemOf } from "../config/temp-folder.ts";

function tree() {
  const calls: Record<string, unknown>[] = [];
  const leaf = defineCommand({
    name: "paint",
    about: "Paint something",
    examples: [],
    args: {
      what: { type: "positional", description: "What" },
      colour: { type: "string", alias: "c", valueHint: "COLOUR" },
      shade: { type: "enum", options: ["light", "dark"] },
      dry: { type: "boolean" },
      gloss: { type: "boolean", default: true },
    },
    run: async (args) => {
      calls.push(args);
      return 7;
    },
    children: {},
  });
  const child = { about: leaf.about, load: async () => leaf };
  const root: Command = { ...leaf, name: "tool", args: {}, run: undefined, children: { paint: child } };
  return { root, calls };
}

test("a command gets its words and flags, and its exit code comes back", async () => {
  const { root, calls } = tree();
  expect(await runCommand(root, ["paint", "--colour", "red", "wall", "--dry"])).toBe(7);
  expect(calls[0]).toMatchObject({ what: "wall", colour: "red", dry: true, gloss: true });
});

test.each<[name: string, words: string[], value: string]>([
  ["with an equals sign", ["--colour=red"], "red"],
  ["by its short form", ["-c", "red"], "red"],
  ["the last one wins", ["-c", "blue", "--colour", "red"], "red"],
])("a flag's value %s", async (_name, words, value) => {
  const { root, calls } = tree();
  await runCommand(root, ["paint", "wall", ...words]);
  expect(calls[0]?.["colour"]).toBe(value);
});

test("what is on by default can be switched off", async () => {
  const { root, calls } = tree();
  await runCommand(root, ["paint", "wall", "--no-gloss"]);
  expect(calls[0]?.["gloss"]).toBe(false);
});

test.each<[name: string, words: string[], told: string]>([
  ["a mistyped command", ["pant"], "Did you mean paint?"],
  ["a command like nothing else", ["xyzzy"], 'no command "xyzzy"'],
  ["a mistyped flag", ["paint", "wall", "--color", "red"], "Did you mean --colour?"],
  ["a mistyped help", ["paint", "--hepl"], "Did you mean --help?"],
  ["a flag of a group", ["--bogus"], "no flag --bogus"],
  ["a switch-off of what is off", ["paint", "wall", "--no-dry"], "no flag --no-dry"],
  ["a flag without its value", ["paint", "wall", "--colour"], "--colour needs a value"],
  ["a flag with an empty value", ["paint", "wall", "--colour="], "--colour needs a value"],
  ["a flag in place of a value", ["paint", "wall", "--colour", "--dry"], "--colour needs a value"],
  ["a switch with a value", ["paint", "wall", "--dry=yes"], "takes no value"],
  ["a word that is not on the list", ["paint", "wall", "--shade", "grey"], "one of light, dark"],
  ["a missing word", ["paint"], "needs WHAT"],
  ["a word too many", ["paint", "wall", "door"], 'does not accept "door"'],
])("%s is refused as wrong usage", async (_name, words, told) => {
  const { root, calls } = tree();
  const problem = await problemOf(runCommand(root, words));
  expect(problem.exit).toBe(2);
  expect(problem.message).toContain(told);
  expect(calls).toEqual([]);
});

test("a key in a strange place is refused without being repeated", async () => {
  const secret = `sk-${"a1b2".repeat(6)}`;
  for (const words of [
    [secret],
    ["paint", "wall", secret],
    ["paint", "--key", secret],
    ["paint", `--key=${secret}`],
  ]) {
    const problem = await problemOf(runCommand(tree().root, words));
    expect(problem.exit).toBe(2);
    expect(problem.message).toContain("history");
    expect(`${problem.message} ${problem.fix}`).not.toContain(secret);
  }
});
