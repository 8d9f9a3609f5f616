import { expect, test } from "bun:test";
import { namesIn } from "../config/temp-folder.ts";
import { openTerminal } from "../e2e/terminal.ts";
import { chainMachine, type Script } from "./chain-machine.ts";
import { type Answer, CTRL_C, DOWN, ENTER, give } from "./setup-answers.ts";

const ESCAPE = "\x1b";

/** The text to wait for and what is typed then; nothing if the text only has to appear. */
type Key = Answer;

const take = (cue: string, line: string): Key[] => [[cue, { line }]];

type Machine = Awaited<ReturnType<typeof chainMachine>>;

async function edit(machine: Machine, keys: readonly Key[]): Promise<string> {
  const terminal = openEditor(machine);
  const screens: string[] = [];
  for (const [cue, typed] of keys) {
    await terminal.sees(cue);
    if (typed === "") continue;
    screens.push(terminal.text());
    await give(terminal, [[cue, typed]]);
  }
  await terminal.child.exited;
  expect(terminal.child.exitCode).toBe(0);
  return [...screens, terminal.text()].join("\n");
}

function openEditor(machine: Machine) {
  const env = { ...machine.env, TERM: "xterm-256color" };
  return openTerminal(machine.command(["chain"]), machine.folder.path, env, { cols: 120, rows: 40 });
}

const CHAINS = "◆ Chains │";
const CODING = "◆ Chain coding │";
const SMALL = "◆ Chain small │";
const OPEN_CODING = take(CHAINS, "coding");
const LEAVE: Key[] = [[CHAINS, ESCAPE]];
const BACK: Key[] = [[CODING, ESCAPE], ...LEAVE];

const BEST_LINE = '  "work/gpt-oss:120b",   # the best first\n';
const QUICK_LINE = '  "work/gemma4:31b",     # then the quick one\n';

test.each<[name: string, keys: Key[], old: string, changed: string]>([
  [
    "a model is added from the catalogue",
    [
      ...OPEN_CODING,
      ...take(CODING, "Add"),
      ...take("Which model do you want to add to coding?", "glm"),
      ...BACK,
    ],
    QUICK_LINE,
    `${QUICK_LINE}  "work/glm-5.2",\n`,
  ],
  [
    "another chain is added",
    [
      ...OPEN_CODING,
      ...take(CODING, "Add"),
      ...take("Which model do you want to add to coding?", "small"),
      ...BACK,
    ],
    QUICK_LINE,
    `${QUICK_LINE}  "small",\n`,
  ],
  [
    "a model that no list has is typed",
    [
      ...OPEN_CODING,
      ...take(CODING, "Add"),
      ...take("Which model do you want to add to coding?", "Another model"),
      ["Model, as provider/model", `wrok/x${ENTER}`],
      ["Did you mean work?", `${"\x7f".repeat(6)}nvidia/own${ENTER}`],
      ["No key for nvidia", ""],
      ...BACK,
    ],
    QUICK_LINE,
    `${QUICK_LINE}  "nvidia/own",\n`,
  ],
  [
    "a model is moved",
    [
      ...OPEN_CODING,
      ...take(CODING, "Move"),
      ...take("Which model?", "gemma4"),
      ["To which position does work/gemma4:31b move?", ENTER],
      ...BACK,
    ],
    BEST_LINE + QUICK_LINE,
    QUICK_LINE + BEST_LINE,
  ],
  [
    "a model is taken out",
    [...OPEN_CODING, ...take(CODING, "Remove a model"), ...take("Which model?", "gpt-oss"), ...BACK],
    BEST_LINE,
    "",
  ],
  [
    "a chain is renamed",
    [
      ...take(CHAINS, "small"),
      ...take(SMALL, "Rename"),
      ["New name", `\x15coding${ENTER}`],
      ["A chain coding already exists", `\x15tiny${ENTER}`],
      ["orouter/tiny", ""],
      ...LEAVE,
    ],
    "small =",
    "tiny =",
  ],
  [
    "a chain is removed after a yes",
    [
      ...take(CHAINS, "small"),
      ...take(SMALL, "Remove the chain"),
      ["Remove the whole chain small?", ENTER],
      ["Nothing was removed", ""],
      ...take(SMALL, "Remove the chain"),
      ["Remove the whole chain small?", "y"],
      ...LEAVE,
    ],
    'small = ["work/gemma4:31b"]   # for a laugh\n',
    "",
  ],
  [
    "a chain that others need is not removed",
    [
      ...OPEN_CODING,
      ...take(CODING, "Remove the chain"),
      ["Remove the whole chain coding?", "y"],
      ["Take it out there first", ""],
      ...BACK,
    ],
    "",
    "",
  ],
  [
    "a new chain is made, model by model",
    [
      ...take(CHAINS, "New chain"),
      ["Chain name", `a b${ENTER}`],
      ["Only letters", `\x15other${ENTER}`],
      ...take("Which model is tried first?", "kimi"),
      ...take("Which model is tried after that?", "glm"),
      ...take("Which model is tried after that?", "Done"),
      ...LEAVE,
    ],
    "# for a laugh\n",
    '# for a laugh\nother = ["work/kimi-k2.6", "work/glm-5.2"]\n',
  ],
  [
    "something is put behind a single model",
    [
      ...take(CHAINS, "Fallbacks"),
      ...take("◆ Fallbacks of single models │", "New"),
      ...take("Fallback of which model?", "kimi"),
      ...take("Which model is tried instead?", "small"),
      ...take("Which model is tried after that?", "Done"),
      ["◆ Fallbacks of single models │", ESCAPE],
      ...LEAVE,
    ],
    "happens\n",
    'happens\n"work/kimi-k2.6" = ["small"]\n',
  ],
  [
    "what stands behind every model is chosen anew, and Escape halfway changes nothing",
    [
      ...take(CHAINS, "Fallbacks"),
      ...take("◆ Fallbacks of single models │", "every other"),
      ...take("(every other) │ ●", "Replace"),
      ...take("Which model is tried instead?", "small"),
      ["Which model is tried after that?", ESCAPE],
      ["◆ Fallbacks of single models │", ESCAPE],
      ...LEAVE,
    ],
    "",
    "",
  ],
  [
    "nothing is left behind every other model",
    [
      ...take(CHAINS, "Fallbacks"),
      ...take("◆ Fallbacks of single models │", "every other"),
      ...take("(every other) │ ●", "Remove its fallback"),
      ["Remove the fallback of", "y"],
      ["◆ Fallbacks of single models │", ESCAPE],
      ...LEAVE,
    ],
    '"*" = ["coding"]   # whatever happens\n',
    "",
  ],
  [
    "whoever leaves every question changes nothing",
    [
      ...OPEN_CODING,
      ...take(CODING, "Add"),
      ["Which model do you want to add to coding?", ESCAPE],
      ...take(CODING, "Move"),
      ...take("Which model?", "gemma4"),
      ["To which position does work/gemma4:31b move?", ESCAPE],
      ...take(CODING, "Remove a model"),
      ["Which model?", CTRL_C],
      ...take(CODING, "Rename"),
      ["New name", ESCAPE],
      ...take(CODING, "Back"),
      ...take(CHAINS, "New chain"),
      ["Chain name", ESCAPE],
      ...take(CHAINS, "Done"),
    ],
    "",
    "",
  ],
])("%s", async (_name, keys, old, changed) => {
  await using machine = await chainMachine();
  await edit(machine, keys);
  expect(machine.config).toContain(old);
  expect(await machine.read("config.toml")).toBe(machine.config.replace(old, changed));
});

test("a chain is shown with what all of its models can do, and the list to add from with what each can", async () => {
  await using machine = await chainMachine();
  const shown = await edit(machine, [
    ...OPEN_CODING,
    ...take(CODING, "Remove a model"),
    ...take("Which model?", "gpt-oss"),
    ...take(CODING, "Add"),
    ["Which model do you want to add to coding?", DOWN],
    ["work/gpt-oss:120b (window 128k)", ESCAPE],
    ...BACK,
  ]);
  expect(shown).toContain("coding (2 models, window 64k, output 32k)");
  expect(shown).toMatch(/coding 64k 32k - - 1 work\/gpt-oss:120b 128k 32k - - ready/);
});

test("a chain is tested and measured from inside", async () => {
  const script: Script = (call) =>
    call.model === "gpt-oss:120b"
      ? { kind: "error", status: 403, body: { error: "this model requires a subscription" } }
      : undefined;
  await using machine = await chainMachine(script);
  const shown = await edit(machine, [
    ...OPEN_CODING,
    ...take(CODING, "Test"),
    ["answered for coding with key", ""],
    ...take(CODING, "Benchmark"),
    ["FIRST TOK/S", ""],
    ...BACK,
  ]);
  expect(shown).toContain("not in the plan (403)");
  expect(shown).toMatch(/2 work\/gemma4:31b 64k - - - \d\.\d\d s/);
  expect(await machine.read("config.toml")).toBe(machine.config);
});

test.each<[question: string, keys: Key[]]>([
  ["Chains", [[CHAINS, ""]]],
  [
    "Which model do you want to add to coding?",
    [...OPEN_CODING, ...take(CODING, "Add"), ["Which model do you want to add to coding?", "g"]],
  ],
  ["New name", [...OPEN_CODING, ...take(CODING, "Rename"), ["New name", "x"]]],
  [
    "Remove the whole chain",
    [...take(CHAINS, "small"), ...take(SMALL, "Remove the chain"), ["Remove the whole", ""]],
  ],
])("a kill at %j leaves the file whole, and nothing beside it", async (_question, keys) => {
  await using machine = await chainMachine();
  const terminal = openEditor(machine);
  await give(terminal, keys);
  const before = namesIn(machine.file("."));
  terminal.child.kill("SIGKILL");
  await terminal.child.exited;
  expect(await machine.read("config.toml")).toBe(machine.config);
  expect(namesIn(machine.file("."))).toEqual(before);
  expect(before.filter((name) => /tmp|lock/.test(name))).toEqual([]);
});
