import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { openState } from "../../src/commands/state.ts";
import { fingerprint } from "../../src/core/key.ts";
import type { Cooldown, CooldownScope } from "../../src/core/routing/cooldown.ts";
import { modeOf } from "../config/temp-folder.ts";
import { openTerminal } from "../e2e/terminal.ts";
import { cooldownOf, note } from "../store/samples.ts";
import { tempMachine } from "./orouter.ts";
import { CLEAR, CTRL_C, DOWN, ENTER } from "./setup-answers.ts";

type Machine = ReturnType<typeof tempMachine>;

const ESCAPE = "\x1b";
const SECRETS = { work: "secret-of-work", spare: "secret-of-spare", groq: "secret-of-groq" };

const KEYS = `# my keys
[[keys]]
provider = "own" # a box of mine
name = "work"    # from the office
value = "${SECRETS.work}"
enabled = true   # for now

[[keys]]
provider = "own"
name = "spare"
value = "${SECRETS.spare}"
enabled = true
# the end
`;

const NIM = JSON.stringify({
  keys: [{ name: "old", key: "secret-of-nim", enabled: true }],
  rotationStrategy: "round-robin",
});

/** The provider has three models, one of them outside the plan. */
function provider() {
  const asked: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      // A public list would prove nothing about a key.
      if (!request.headers.has("authorization")) return new Response("who are you?", { status: 401 });
      if (request.method === "GET")
        return Response.json({ object: "list", data: [{ id: "small" }, { id: "big" }, { id: "middle" }] });
      const { model } = (await request.json()) as { model: string };
      asked.push(model);
      if (model === "big") {
        const message = "this model requires a subscription, upgrade for access: https://ollama.com/upgrade";
        return Response.json({ error: message }, { status: 403 });
      }
      return Response.json({ choices: [{ message: { content: "ok" }, finish_reason: "stop" }] });
    },
  });
  return { asked, port: server.port, [Symbol.dispose]: () => void server.stop(true) };
}

async function machineWith(port: number | undefined) {
  const machine = tempMachine();
  const config = `# my settings
[routing]
strategy = "random" # so far

[providers.own]
base_url = "http://127.0.0.1:${port}/v1"

[chains]
mine = ["own/small", "own/big"] # both
`;
  await machine.write("config.toml", config);
  await machine.write("keys.toml", KEYS);
  const folder = machine.folder.in(".config/opencode");
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/nim-rotator-keys.json`, NIM, { mode: 0o600 });
  return machine;
}

async function stateOf(machine: Machine) {
  return await openState({
    file: machine.file("state.db"),
    ledgerDays: 7,
    ledgerRows: 100,
    secrets: [],
    onTrouble: (problem) => {
      throw problem;
    },
  });
}

async function putCooldowns(machine: Machine, ids: readonly string[]): Promise<void> {
  const state = await stateOf(machine);
  for (const id of ids) {
    const [scope] = id.split(" ") as [CooldownScope];
    const cooldown: Cooldown = cooldownOf(id, Date.now(), { scope });
    note(state, { kind: "cooldown-started", cooldown: cooldown, keyName: "work" });
  }
  await state.close();
}

async function cooldownsOf(machine: Machine): Promise<string[]> {
  const state = await stateOf(machine);
  const ids = (await state.store.cooldowns.all()).map(({ id }) => id);
  await state.close();
  return ids.toSorted();
}

/** Wide enough that no title wraps, however long the end of a cooldown is. */
function openMenu(machine: Machine, words: readonly string[] = ["keys"]) {
  const env = { ...machine.env, TERM: "xterm-256color", GROQ_API_KEY: SECRETS.groq };
  const terminal = openTerminal(machine.command(words), machine.folder.path, env, { cols: 120, rows: 24 });
  const answer = async (cue: string, typed: string) => {
    await terminal.sees(cue);
    terminal.forget();
    terminal.type(typed);
  };
  return {
    ...terminal,
    answer,
    pick: async (cue: string, line: string) => {
      await terminal.sees(cue);
      await terminal.choose(line);
    },
    end: async () => {
      const code = await terminal.child.exited;
      terminal.child.terminal?.close();
      return code;
    },
  };
}

const WORK = "own/work (";

test("a key is renamed, switched off and on, and what a person has written around it stays", async () => {
  using own = provider();
  using machine = await machineWith(own.port);
  const menu = openMenu(machine);
  await menu.pick("3 keys", "own/work");
  await menu.pick(WORK, "Rename");
  await menu.answer("New name", `${CLEAR}two words${ENTER}`);
  await menu.answer("no blanks", `${CLEAR}office${ENTER}`);
  // The menu shows the key under its new name and with its current state.
  await menu.pick("own/office (", "Disable");
  await menu.sees("is now disabled");
  const off = KEYS.replace('"work" ', '"office" ').replace("enabled = true   #", "enabled = false   #");
  expect(await machine.read("keys.toml")).toBe(off);
  await menu.pick(`: disabled`, "Enable");
  await menu.sees("is now enabled");
  expect(await machine.read("keys.toml")).toBe(KEYS.replace('"work" ', '"office" '));
  await menu.pick(`: ready`, "Back");
  await menu.pick("3 keys", "Done");
  expect(await menu.end()).toBe(0);
});

test("a key is removed once somebody is sure", async () => {
  using own = provider();
  using machine = await machineWith(own.port);
  const menu = openMenu(machine);
  await menu.pick("3 keys", "own/spare");
  await menu.pick("own/spare (", "Remove");
  await menu.answer("Remove own/spare", "n");
  await menu.sees("Nothing was removed.");
  expect(await machine.read("keys.toml")).toBe(KEYS);
  await menu.pick("own/spare (", "Remove");
  await menu.answer("Remove own/spare", "y");
  await menu.sees("2 keys");
  const text = await machine.read("keys.toml");
  expect(text).not.toContain("spare");
  expect(text).toContain("# from the office");
  await menu.answer("2 keys", CTRL_C);
  expect(await menu.end()).toBe(0);
});

test("a key is tested, and so is what it has of the models of a chain or of all", async () => {
  using own = provider();
  using machine = await machineWith(own.port);
  const menu = openMenu(machine);
  await menu.pick("3 keys", "own/work");
  await menu.pick(WORK, "Test it");
  await menu.sees(": ok");
  await menu.pick(": ready", "Which models");
  await menu.answer("Which models?", ENTER);
  await menu.answer("This needs 2 requests", "y");
  await menu.sees("1 of 2 models answer");
  expect(menu.text()).toContain("big not in the plan (403)");
  own.asked.length = 0;
  await menu.pick(": ready", "Which models");
  await menu.answer("Which models?", DOWN + ENTER);
  await menu.answer("This needs 3 requests", "y");
  await menu.sees("2 of 3 models answer");
  expect(own.asked.toSorted()).toEqual(["big", "middle", "small"]);
  await menu.answer(": ready", ESCAPE);
  await menu.answer("3 keys", ESCAPE);
  expect(await menu.end()).toBe(0);
});

test("one lane is cleared, then a key, then all", async () => {
  using own = provider();
  using machine = await machineWith(own.port);
  const [work, spare] = [fingerprint(SECRETS.work), fingerprint(SECRETS.spare)];
  const lanes = [`lane ${work} own/big`, `lane ${work} own/small`];
  await putCooldowns(machine, [...lanes, `key ${work}`, `key ${spare}`]);
  const menu = openMenu(machine);
  await menu.pick("own/work cooling down until", "own/work");
  await menu.pick("own/work (", "End the cooldown of one model");
  await menu.pick("Which model do you want to try again?", "own/small");
  await menu.sees("Ended 1 cooldown");
  expect(await cooldownsOf(machine)).toEqual([`key ${spare}`, `key ${work}`, lanes[0] ?? ""].toSorted());
  await menu.pick("1 model cooling down", "End its cooldowns");
  await menu.sees("Ended 2 cooldown");
  expect(await cooldownsOf(machine)).toEqual([`key ${spare}`]);
  await menu.answer(": ready", ESCAPE);
  await menu.pick("3 keys", "End all cooldowns");
  await menu.sees("Ended 1 cooldown.");
  expect(await cooldownsOf(machine)).toEqual([]);
  await menu.answer("3 keys", ESCAPE);
  expect(await menu.end()).toBe(0);
});

test("keys are added and tried, and never shown", async () => {
  using own = provider();
  using machine = await machineWith(own.port);
  const menu = openMenu(machine);
  await menu.pick("3 keys", "Add keys");
  await menu.answer("Which provider is the key for?", ENTER);
  await menu.answer("Key for own", `secret-typed-1${ENTER}`);
  await menu.sees("Added own/key-1");
  expect(menu.text()).not.toContain("secret-typed-1");
  expect(await machine.read("keys.toml")).toContain("# from the office");
  await menu.pick("4 keys", "Test all keys");
  await menu.sees("own/key-1 (");
  await menu.sees("4 keys");
  menu.type(ESCAPE);
  expect(await menu.end()).toBe(0);
});

test("what older tools have is ticked, their settings too", async () => {
  using own = provider();
  using machine = await machineWith(own.port);
  const menu = openMenu(machine);
  await menu.pick("3 keys", "Import keys");
  await menu.answer("What do you want to import?", ENTER);
  await menu.answer('strategy = "round-robin" (now "random")', ENTER);
  await menu.sees("Added nvidia/old");
  await menu.sees("4 keys");
  menu.type(ESCAPE);
  expect(await menu.end()).toBe(0);
  expect(await machine.read("config.toml")).toContain('strategy = "round-robin" # so far');
  // Keys in the environment already work, so they were not ticked.
  expect(await machine.read("keys.toml")).not.toContain(SECRETS.groq);
});

test("the strategy is chosen, and the keys go into a file of one's own", async () => {
  using own = provider();
  using machine = await machineWith(own.port);
  const menu = openMenu(machine);
  await menu.pick("3 keys", "Strategy");
  await menu.pick("In which order", "least-failures");
  await menu.sees("The strategy is now least-failures");
  expect(await machine.read("config.toml")).toContain('strategy = "least-failures" # so far');
  await menu.pick("3 keys", "Export");
  await menu.answer("What do you want to export?", DOWN + ENTER);
  await menu.answer("Which file?", `${CLEAR}mine.json${ENTER}`);
  await menu.sees("Wrote 3 keys");
  const file = machine.folder.in("mine.json");
  expect(readFileSync(file, "utf8")).toContain(SECRETS.work);
  expect(modeOf(file)).toBe(0o600);
  // The second export asks before it replaces the file.
  await menu.pick("3 keys", "Export");
  await menu.answer("What do you want to export?", ENTER);
  await menu.answer("Which file?", `${CLEAR}mine.json${ENTER}`);
  await menu.answer("already exists. Replace it?", "y");
  await menu.sees("without their secrets");
  expect(readFileSync(file, "utf8")).not.toContain(SECRETS.work);
  await menu.answer("3 keys", ESCAPE);
  expect(await menu.end()).toBe(0);
});

test.each<[line: string, says: string]>([
  ["Rename", "cannot be renamed here: it is in"],
  ["Disable", "Import it into keys.toml first: orouter keys add groq"],
  ["Remove", "Unset it: unset GROQ_API_KEY"],
])("%s of a key of the environment says what can be done instead", async (line, says) => {
  using own = provider();
  using machine = await machineWith(own.port);
  const menu = openMenu(machine);
  await menu.pick("3 keys", "GROQ_API_KEY");
  await menu.pick("groq/GROQ_API_KEY (", line);
  await menu.sees(says);
  await menu.answer("groq/GROQ_API_KEY (", ESCAPE);
  await menu.answer("3 keys", ESCAPE);
  expect(await menu.end()).toBe(0);
  expect(await machine.read("keys.toml")).toBe(KEYS);
});

/** Picks the first line, whatever it is. */
const FIRST = "";

test.each<[question: string, steps: readonly [cue: string, line: string][]]>([
  ["3 keys", []],
  ["Which provider is the key for?", [["3 keys", "Add keys"]]],
  [
    "Key for own",
    [
      ["3 keys", "Add keys"],
      ["Which provider is the key for?", FIRST],
    ],
  ],
  ["What do you want to import?", [["3 keys", "Import keys"]]],
  ["In which order", [["3 keys", "Strategy"]]],
  [
    "New name",
    [
      ["3 keys", "own/work"],
      [WORK, "Rename"],
    ],
  ],
  [
    "Remove own/work",
    [
      ["3 keys", "own/work"],
      [WORK, "Remove"],
    ],
  ],
])("killed while it asks %p it leaves both files as they were", async (question, steps) => {
  using own = provider();
  using machine = await machineWith(own.port);
  const config = await machine.read("config.toml");
  const menu = openMenu(machine);
  for (const [cue, line] of steps) await (line === FIRST ? menu.answer(cue, ENTER) : menu.pick(cue, line));
  await menu.sees(question);
  menu.type("abc");
  menu.child.kill("SIGKILL");
  await menu.end();
  expect(await machine.read("keys.toml")).toBe(KEYS);
  expect(await machine.read("config.toml")).toBe(config);
  expect(existsSync(machine.file("keys.toml.lock"))).toBe(false);
});

test("where stdout is no terminal there is the list, as ever", async () => {
  using machine = await machineWith(1);
  const run = await machine.run(["keys"]);
  expect(run.exitCode).toBe(0);
  expect(run.stdout).toMatch(/^PROVIDER +NAME/);
});
