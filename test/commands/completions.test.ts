import { expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { dirname } from "node:path";
import type { Command } from "../../src/cli/command.ts";
import { completionsCommand } from "../../src/commands/completions/completions.ts";
import { bashScript, commandTree, fishScript, zshScript } from "../../src/commands/completions/scripts.ts";
import { rootCommand } from "../../src/commands/root.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { keysToml, tempMachine } from "./orouter.ts";

const BARE = { examples: [], args: {}, run: async () => 0, children: {} };

function entryOf(command: Command) {
  return { about: command.about, load: async () => command };
}

/** One of each kind of argument that a shell may have to complete. */
const SAMPLE: Command = {
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
        for: { type: "string", description: "Whose", offers: { names: ["keys"], words: ["nobody"] } },
        gloss: { type: "boolean", default: true, description: "No gloss" },
        wall: { type: "positional", description: "The wall", offers: { words: ["north", "south"] } },
        brush: { type: "positional", description: "The brush", offers: { words: ["no-brush"] } },
      },
      children: { over: entryOf({ ...BARE, name: "over", about: "Paint again" }) },
    }),
    run: entryOf({ ...BARE, name: "run", about: "Run anything", rest: true }),
  },
};

const TREE = await commandTree(SAMPLE);

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
    ["--for", "FOR"],
    ["--no-gloss", undefined],
    ["--help", "-h", undefined],
  ]);
  expect(TREE.filter(({ offer }) => offer.files).map(({ path }) => path)).toEqual(["orouter run"]);
  expect(TREE[1]?.offer.words).toEqual(["north", "south", "no-brush"]);
});

/** What bash offers for a line whose last word is under the cursor. */
async function offered(
  script: string,
  words: readonly string[],
  env: Record<string, string> = { PATH: "/usr/bin:/bin" },
): Promise<string[]> {
  using folder = tempFolder();
  await Bun.write(folder.in("script"), script);
  const program = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _orouter; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const shell = Bun.spawn(["bash", "--norc", "-c", program, "bash", folder.in("script"), ...words], {
    env,
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
  [
    ["orouter", "paint", ""],
    ["north", "south", "no-brush"],
  ],
  [
    ["orouter", "paint", "--"],
    ["--colour", "--out", "--size", "--for", "--no-gloss", "--help"],
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
  [
    ["orouter", "paint", "n"],
    ["north", "no-brush"],
  ],
  [["orouter", "paint", "--for", ""], ["nobody"]],
  // A word is a command only directly after its parent.
  [["orouter", "paint", "wall", "over", "s"], ["south"]],
  [["orouter", "run", "-"], ["--help"]],
])("bash offers for %p: %p", async (words, offers) => {
  expect(await offered(bashScript(TREE), words)).toEqual(offers);
});

test("the script of the program itself is one that bash takes, and knows its commands", async () => {
  using machine = tempMachine();
  const { stdout, exitCode } = await machine.run(["completions", "bash"]);
  expect(exitCode).toBe(0);
  expect(await offered(stdout, ["orouter", ""])).toEqual(Object.keys(rootCommand.children));
  expect(await offered(stdout, ["orouter", "completions", ""])).toEqual(["bash", "zsh", "fish", "names"]);
  expect(await offered(stdout, ["orouter", "status", "--w"])).toEqual(["--watch"]);
});

/** Whether a shell accepts the script; undefined if that shell is not installed. */
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
    "('orouter paint --colour'|'orouter paint -c') _orouter_offer 'red green' ''; return ;;",
  );
  expect(script).toContain("('orouter paint --out') _files; return ;;");
  expect(script).toContain("('orouter paint --size') _message 'How large'; return ;;");
  expect(script).toContain("('orouter paint --for') _orouter_offer 'nobody' 'keys'; return ;;");
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
  expect(lines).toContain(`${at("orouter paint")} -a 'north south no-brush'`);
  expect(lines).toContain(
    `${at("orouter paint")} -l for -x -a 'nobody (command orouter completions names keys 2>/dev/null)' -d 'Whose'`,
  );
  expect(lines).toContain(`${at("orouter run")} -F`);
  expect(await isTaken("fish", lines.join("\n"))).not.toBe(false);
});

test("a shell that is not known is told the nearest one", async () => {
  using machine = tempMachine();
  const run = await machine.run(["completions", "bach"]);
  expect(run.exitCode).toBe(2);
  expect(run.stderr).toContain("Did you mean bash?");
  expect(Object.keys(completionsCommand(SAMPLE).children)).toEqual(["bash", "zsh", "fish", "names"]);
});

async function machineWithNames() {
  const machine = tempMachine();
  await machine.write(
    "config.toml",
    `[providers.work]\nbase_url = "http://127.0.0.1:9/v1"\n[chains]\ncoding = ["work/one:120b", "work/one:20b"]\nodd = ["work/$(id)"]\n`,
  );
  await machine.write(
    "keys.toml",
    keysToml(
      { provider: "work", name: "main", value: "not-a-real-key-1" },
      { provider: "nvidia", name: "main", value: "not-a-real-key-2" },
      { provider: "nvidia", name: "spare", value: "not-a-real-key-3" },
    ),
  );
  const program = machine.folder.in("bin/orouter");
  await Bun.write(program, `#!/bin/sh\nexec ${machine.command(['"$@"']).join(" ")}\n`);
  chmodSync(program, 0o700);
  return { machine, env: { ...machine.env, PATH: `${dirname(program)}:/usr/bin:/bin` } };
}

test.each<[kinds: string[], names: string[]]>([
  [["keys"], ["work/main", "nvidia/main", "spare"]],
  [["chains"], ["coding", "odd"]],
  // Names that a shell would execute are left out.
  [["picks"], ["orouter/coding", "orouter/odd", "work/one:120b", "work/one:20b"]],
  [
    ["chains", "models"],
    ["coding", "odd", "work/one:120b", "work/one:20b"],
  ],
])("the names of %p are %p", async (kinds, names) => {
  const { machine } = await machineWithNames();
  using _ = machine;
  const run = await machine.run(["completions", "names", ...kinds]);
  expect([run.stdout.trim().split("\n"), run.stderr, run.exitCode]).toEqual([names, "", 0]);
});

test("settings are offered with the names that the user has given, providers with those that are built in", async () => {
  const { machine } = await machineWithNames();
  using _ = machine;
  const { stdout } = await machine.run(["completions", "names", "settings", "providers"]);
  const names = stdout.split("\n");
  for (const name of ["routing.max_wait", "providers.work.rpm", "chains.coding", "work", "nvidia"])
    expect(names).toContain(name);
  expect(stdout).not.toContain("<");
});

test("where config.toml is faulty there are no names, and the shell prints nothing of it", async () => {
  const { machine, env } = await machineWithNames();
  using _ = machine;
  await machine.write("config.toml", "theme = 3\n");
  const { stdout } = await machine.run(["completions", "bash"]);
  expect(await offered(stdout, ["orouter", "chain", "test", ""], env)).toEqual([]);
  const run = await machine.run(["completions", "names", "key"]);
  expect([run.exitCode, run.stderr.includes("Did you mean keys?")]).toEqual([2, true]);
});

test.each<[words: string[], offers: string[]]>([
  [
    ["orouter", "keys", "remove", ""],
    ["work/main", "nvidia/main", "spare"],
  ],
  [["orouter", "chain", "test", "c"], ["coding"]],
  [
    ["orouter", "opencode", "run", "-m", "work/"],
    ["work/one:120b", "work/one:20b"],
  ],
  // As bash splits them; the part before the last colon stays.
  [
    ["orouter", "opencode", "-m", "work/one", ":"],
    ["120b", "20b"],
  ],
  [["orouter", "opencode", "-m", "work/one", ":", "2"], ["20b"]],
  [["orouter", "logs", "--model", "=", "work/one", ":", "1"], ["120b"]],
  [["orouter", "chain", "move", "coding", "work/one", ":", "20b", "u"], ["up"]],
  [
    ["orouter", "keys", "strategy", "r"],
    ["random", "round-robin"],
  ],
])("bash offers names for %p: %p", async (words, offers) => {
  const { machine, env } = await machineWithNames();
  using _ = machine;
  const { stdout } = await machine.run(["completions", "bash"]);
  expect(await offered(stdout, words, env)).toEqual(offers);
});
