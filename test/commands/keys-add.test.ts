import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { fingerprint } from "../../src/core/key.ts";
import { modeOf, namesIn } from "../config/temp-folder.ts";
import { keysToml, tempMachine } from "./orouter.ts";

const SECRET = `nvapi-${"Zx9w".repeat(8)}`;

test("keys from stdin go to keys.toml, each under a name, and only names and fingerprints are told", async () => {
  using machine = tempMachine();
  const run = await machine.run(["keys", "add", "nvidia", "--stdin"], {
    stdin: `${SECRET}\r\n\n  second-key \n`,
  });
  expect(run).toMatchObject({ exitCode: 0, stdout: "" });
  expect(run.stderr).toContain(`Added nvidia/key-1 (${fingerprint(SECRET)}) to ${machine.file("keys.toml")}`);
  expect(run.stderr).toContain("nvidia/key-2");
  expect(run.stderr).not.toContain(SECRET);
  expect(Bun.TOML.parse(await machine.read("keys.toml"))).toEqual({
    keys: [
      { provider: "nvidia", name: "key-1", value: SECRET, enabled: true },
      { provider: "nvidia", name: "key-2", value: "second-key", enabled: true },
    ],
  });
});

test("the file and its folder are its owner's alone, and nothing is left beside it", async () => {
  using machine = tempMachine();
  await machine.run(["keys", "add", "nvidia", "--stdin"], { stdin: SECRET });
  expect(modeOf(machine.file("keys.toml"))).toBe(0o600);
  expect(modeOf(machine.file("."))).toBe(0o700);
  expect(namesIn(machine.file("."))).toEqual(["keys.toml"]);
});

test("the same key is added once, within one go and over several", async () => {
  using machine = tempMachine();
  const first = await machine.run(["keys", "add", "nvidia", "--stdin", "--name", "work"], {
    stdin: `${SECRET}\n${SECRET}\n`,
  });
  expect(first.stderr).toContain("was given twice");
  const before = await machine.read("keys.toml");
  const second = await machine.run(["keys", "add", "nvidia", "--stdin"], { stdin: SECRET });
  expect(second.exitCode).toBe(0);
  expect(second.stderr).toContain("Already there: nvidia/work");
  const byName = await machine.run(["keys", "add", "nvidia", "--env", "MINE"], { env: { MINE: SECRET } });
  expect(byName.stderr).toContain("Already there: nvidia/work");
  expect(await machine.read("keys.toml")).toBe(before);
});

test("comments and order of a file written by hand stay", async () => {
  using machine = tempMachine();
  const text = `# mine\n${keysToml({ provider: "groq", name: "a", value: "gr-1" })}# the end\n`;
  await machine.write("keys.toml", text);
  await machine.run(["keys", "add", "nvidia", "--stdin"], { stdin: SECRET });
  expect(await machine.read("keys.toml")).toStartWith(text.trimEnd());
});

test("--env keeps the variable's name and never its value", async () => {
  using machine = tempMachine();
  const run = await machine.run(["keys", "add", "groq", "--env", "MY_KEY"], { env: { MY_KEY: SECRET } });
  expect(run).toMatchObject({ exitCode: 0, stdout: "" });
  expect(run.stderr).toContain("names the variable MY_KEY");
  const text = await machine.read("keys.toml");
  expect(text).toContain('env = "MY_KEY"');
  expect(text).not.toContain(SECRET);
});

test("a provider of one's own is known from config.toml", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", '[providers.work]\nbase_url = "http://localhost:8000"\n');
  const run = await machine.run(["keys", "add", "work", "--stdin"], { stdin: "abc" });
  expect(run.exitCode).toBe(0);
});

test.each<[name: string, args: string[], stdin: string, told: string]>([
  ["a provider that is mistyped", ["nvidai", "--stdin"], SECRET, "Did you mean nvidia?"],
  ["half a provider's name", ["ollama", "--stdin"], SECRET, "Did you mean ollama-cloud?"],
  ["a provider nobody knows", ["my-own-box", "--stdin"], SECRET, "[providers.my-own-box]"],
  ["needs a terminal", ["nvidia"], "", "--stdin"],
  ["a mistyped provider is told before that", ["nvidai"], "", "Did you mean nvidia?"],
  ["no terminal and no provider", ["--stdin"], SECRET, "needs PROVIDER"],
  ["nothing on stdin", ["nvidia", "--stdin"], "\n \n", "Nothing was read"],
  ["a line that is no key", ["nvidia", "--stdin"], `${SECRET}\nhas blanks inside\n`, "Line 2 is not a key"],
  ["one name for two keys", ["nvidia", "--stdin", "--name", "a"], "k1\nk2\n", "not 2"],
  ["a name that is none", ["nvidia", "--stdin", "--name", "a b"], "k1\n", "name of a key"],
  ["a variable that is not set", ["nvidia", "--env", "NOT_SET_ANYWHERE"], "", "NOT_SET_ANYWHERE is not set"],
  ["a variable that cannot be one", ["nvidia", "--env", "my key"], "", "the name of a variable"],
  ["flags that contradict each other", ["nvidia", "--env", "A", "--stdin"], "k", "Choose one"],
])("%s: exit 2, the reason, and no file", async (_name, args, stdin, told) => {
  using machine = tempMachine();
  const run = await machine.run(["keys", "add", ...args], { stdin });
  expect(run).toMatchObject({ exitCode: 2, stdout: "" });
  expect(run.stderr).toContain(told);
  expect(run.stderr).not.toContain(SECRET);
  expect(existsSync(machine.file("keys.toml"))).toBe(false);
});

test.each<[name: string, args: string[]]>([
  ["in place of the provider", [SECRET]],
  ["behind the provider", ["nvidia", SECRET]],
  ["behind the provider, however short", ["nvidia", "hunter2"]],
  ["as a name", ["nvidia", "--name", SECRET]],
  ["as a variable", ["nvidia", "--env", "gsk_0123456789abcdefghij"]],
  ["behind a flag that is none", ["nvidia", `--key=${SECRET}`]],
])("a key %s is refused and not repeated", async (_name, args) => {
  using machine = tempMachine();
  const run = await machine.run(["keys", "add", ...args]);
  expect(run.exitCode).toBe(2);
  expect(run.stderr).toContain("history");
  for (const word of [SECRET, "hunter2", "gsk_0123456789abcdefghij"])
    expect(run.stderr + run.stdout).not.toContain(word);
  expect(existsSync(machine.file("keys.toml"))).toBe(false);
});

test("a broken keys.toml stops it with the place, and stays as it is", async () => {
  using machine = tempMachine();
  const broken = '[[keys]]\nprovider = "nvidia"\nvalue = \n';
  await machine.write("keys.toml", broken);
  const run = await machine.run(["keys", "add", "nvidia", "--stdin"], { stdin: SECRET });
  expect(run.exitCode).toBe(3);
  expect(run.stderr).toContain("keys.toml:3:");
  expect(await machine.read("keys.toml")).toBe(broken);
});
