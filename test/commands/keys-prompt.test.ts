import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { answerInTerminal } from "./answer-in-terminal.ts";
import { keysToml, tempMachine } from "./orouter.ts";

const SECRETS = ["first-secret-1", "second-secret-2", "third-secret-3"];
const ENTER = "\r";
const CTRL_C = "\x03";

test("a key is asked for and never shown", async () => {
  using machine = tempMachine();
  const { exitCode, screen } = await answerInTerminal(
    machine,
    ["keys", "add", "nvidia"],
    [["Key for NVIDIA NIM", `${SECRETS[0]}${ENTER}`]],
  );
  expect(exitCode).toBe(0);
  expect(screen).not.toContain(SECRETS[0]);
  expect(screen).toContain("Added nvidia/key-1");
  expect(await machine.read("keys.toml")).toContain(SECRETS[0] ?? "");
});

test.each<[name: string, pasted: string]>([
  ["a terminal that marks what is pasted", `\x1b[200~${SECRETS.join("\n")}\n\x1b[201~${ENTER}`],
  ["a terminal that does not", `${SECRETS.join("\n")}\n`],
])("several keys pasted at once are all taken by %s", async (_name, pasted) => {
  using machine = tempMachine();
  const { exitCode, screen } = await answerInTerminal(
    machine,
    ["keys", "add", "nvidia"],
    [["Key for NVIDIA NIM", pasted]],
  );
  expect(exitCode).toBe(0);
  const text = await machine.read("keys.toml");
  for (const secret of SECRETS) {
    expect(text).toContain(`value = "${secret}"`);
    expect(screen).not.toContain(secret);
  }
});

test("the provider is asked for when it was left out", async () => {
  using machine = tempMachine();
  const { exitCode } = await answerInTerminal(
    machine,
    ["keys", "add"],
    [
      ["Which provider is the key for?", "groq"],
      // Press Enter only when the list is filtered to one line.
      ["1 match", ENTER],
      ["Key for Groq", `${SECRETS[0]}${ENTER}`],
    ],
  );
  expect(exitCode).toBe(0);
  expect(await machine.read("keys.toml")).toContain('provider = "groq"');
});

test("who leaves the question adds nothing", async () => {
  using machine = tempMachine();
  const { exitCode, screen } = await answerInTerminal(
    machine,
    ["keys", "add", "nvidia"],
    [["Key for NVIDIA NIM", CTRL_C]],
  );
  expect(exitCode).toBe(1);
  expect(screen).toContain("Nothing was added");
  expect(existsSync(machine.file("keys.toml"))).toBe(false);
});

test.each<[answer: string, exitCode: number, isKept: boolean]>([
  ["y", 0, false],
  [ENTER, 1, true],
])("remove asks first, and %j decides", async (answer, expected, isKept) => {
  using machine = tempMachine();
  await machine.write("keys.toml", keysToml({ provider: "nvidia", name: "work", value: "secret-of-work" }));
  const { exitCode } = await answerInTerminal(
    machine,
    ["keys", "remove", "work"],
    [["Remove nvidia/work", answer]],
  );
  expect(exitCode).toBe(expected);
  expect((await machine.read("keys.toml")).includes("secret-of-work")).toBe(isKept);
});
