import { expect, test } from "bun:test";
import type { Verb } from "../../src/cli/verb.ts";
import { bashScript } from "../../src/commands/completions/bash-script.ts";
import { completionsVerb } from "../../src/commands/completions/completions.ts";
import { fishScript } from "../../src/commands/completions/fish-script.ts";
import { verbTree } from "../../src/commands/completions/verb-tree.ts";
import { zshScript } from "../../src/commands/completions/zsh-script.ts";
import { rootVerb } from "../../src/commands/root.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { tempMachine } from "./orouter.ts";

const BARE = { examples: [], args: {}, run: async () => 0, children: {} };

function entryOf(verb: Verb) {
  return { about: verb.about, load: async () => verb };
}

/** A small program with one of each thing that a shell may have to offer. */
const SAMPLE: Verb = {
  ...BARE,
  name: "orouter",
  about: "A program",
  children: {
    paint: entryOf({
      ...BARE,
      name: "paint",
      about: "Paint somebody's wall",
      args: {
        colour: { type: "enum", options: ["red", "green"], description: "Which one: it's yours", alias: "c" },
        out: { type: "string", valueHint: "FILE", description: "Where to" },
        size: { type: "string", description: "How large" },
        gloss: { type: "boolean", default: true, description: "No gloss" },
        wall: { type: "positional", description: "The wall" },
      },
      children: { over: entryOf({ ...BARE, name: "over", about: "Paint again" }) },
    }),
    run: entryOf({ ...BARE, name: "run", about: "Run anything", rest: true }),
  },
};

const TREE = await verbTree(SAMPLE);

test("the tree has every command with what it takes", () => {
  expect(TREE.map(({ path }) => path)).toEqual([
    "orouter",
    "orouter paint",
    "orouter paint over",
    "orouter run",
  ]);
  expect(TREE[1]?.flags.map(({ names, value }) => [...names, value])).toEqual([
    ["--colour", "-c", "COLOUR"],
    ["--out", "FILE"],
    ["--size", "SIZE"],
    ["--no-gloss", undefined],
    ["--help", "-h", undefined],
  ]);
  expect(TREE.filter(({ takesFiles }) => takesFiles).map(({ path }) => path)).toEqual(["orouter run"]);
});

/** What bash offers for a line, the word under the cursor last. */
async function offered(script: string, words: readonly string[]): Promise<string[]> {
  using folder = tempFolder();
  await Bun.write(folder.in("script"), script);
  const program = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _orouter; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const shell = Bun.spawn(["bash", "--norc", "-c", program, "bash", folder.in("script"), ...words], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([shell.stdout.text(), shell.stderr.text()]);
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}

test.each<[words: string[], offers: string[]]>([
  [
    ["orouter", ""],
    ["paint", "run"],
  ],
  [["orouter", "p"], ["paint"]],
  [["orouter", "-"], ["--help"]],
  [["orouter", "paint", ""], ["over"]],
  [
    ["orouter", "paint", "--"],
    ["--colour", "--out", "--size", "--no-gloss", "--help"],
  ],
  [
    ["orouter", "paint", "--colour", ""],
    ["red", "green"],
  ],
  [["orouter", "paint", "-c", "g"], ["green"]],
  [["orouter", "paint", "--colour", "=", "r"], ["red"]],
  [
    ["orouter", "paint", "--colour", "="],
    ["red", "green"],
  ],
  [["orouter", "paint", "--size", ""], []],
  [["orouter", "paint", "over", ""], ["--help"]],
  // Only right behind its parent is a word a command.
  [["orouter", "paint", "wall", "over", ""], ["over"]],
  [["orouter", "run", "-"], ["--help"]],
])("bash offers for %p: %p", async (words, offers) => {
  expect(await offered(bashScript(TREE), words)).toEqual(offers);
});

test("the script of the program itself is one that bash takes, and knows its commands", async () => {
  using machine = tempMachine();
  const { stdout, exitCode } = await machine.run(["completions", "bash"]);
  expect(exitCode).toBe(0);
  expect(await offered(stdout, ["orouter", ""])).toEqual(Object.keys(rootVerb.children));
  expect(await offered(stdout, ["orouter", "completions", ""])).toEqual(["bash", "zsh", "fish"]);
  expect(await offered(stdout, ["orouter", "status", "--w"])).toEqual(["--watch"]);
});

/** Whether a shell takes the text, where there is such a shell; undefined where there is none. */
async function isTaken(shell: string, script: string): Promise<boolean | undefined> {
  if (Bun.which(shell) === null) return undefined;
  using folder = tempFolder();
  await Bun.write(folder.in("script"), script);
  const child = Bun.spawn([shell, "-n", folder.in("script")], { stdin: "ignore", stderr: "ignore" });
  return (await child.exited) === 0;
}

test("zsh gets commands and flags with what they do", async () => {
  const script = zshScript(TREE);
  expect(script).toStartWith("#compdef orouter\n");
  expect(script).toContain(`('orouter') commands=('paint:Paint somebody'\\''s wall' 'run:Run anything')`);
  expect(script).toContain(
    "('orouter paint --colour'|'orouter paint -c') compadd -- 'red' 'green'; return ;;",
  );
  expect(script).toContain("('orouter paint --out') _files; return ;;");
  expect(script).toContain("('orouter paint --size') _message 'How large'; return ;;");
  expect(await isTaken("zsh", script)).not.toBe(false);
});

test("fish gets a line for each command and flag", async () => {
  const lines = fishScript(TREE).split("\n");
  const at = (path: string) => `complete -c orouter -n '__orouter_at \\'${path}\\''`;
  expect(lines).toContain(`${at("orouter")} -a 'paint' -d 'Paint somebody\\'s wall'`);
  expect(lines).toContain(
    `${at("orouter paint")} -l colour -s c -x -a 'red green' -d 'Which one: it\\'s yours'`,
  );
  expect(lines).toContain(`${at("orouter paint")} -l out -r -F -d 'Where to'`);
  expect(lines).toContain(`${at("orouter paint")} -l no-gloss -d 'No gloss'`);
  expect(lines).toContain(`${at("orouter run")} -F`);
  expect(await isTaken("fish", lines.join("\n"))).not.toBe(false);
});

test("a shell that is not known is told the nearest one", async () => {
  using machine = tempMachine();
  const run = await machine.run(["completions", "bach"]);
  expect(run.exitCode).toBe(2);
  expect(run.stderr).toContain("Did you mean bash?");
  expect(Object.keys(completionsVerb(SAMPLE).children)).toEqual(["bash", "zsh", "fish"]);
});
