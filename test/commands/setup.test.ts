import { expect, test } from "bun:test";
import { chmodSync, existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { fingerprint } from "../../src/core/key.ts";
import { answer } from "../../src/demo/reply.ts";
import { namesIn } from "../config/temp-folder.ts";
import { sceneOf, withUpstream } from "../demo/ask.ts";
import { openTerminal } from "../e2e/terminal.ts";
import { keysToml, tempMachine } from "./orouter.ts";
import { type Answer, CLEAR, CTRL_C, DOWN, ENTER, give, ownService, pasted, SPACE } from "./setup-answers.ts";

/** Every address outside this machine fails at once. */
const OFFLINE = { HTTPS_PROXY: "http://127.0.0.1:9" };
const NOBODY = "http://127.0.0.1:9/v1";

const SCENE = { ...sceneOf((call) => answer(call, "ok")), models: ["first", "second"] };
const GOOD = "secret-only";

type Machine = ReturnType<typeof tempMachine>;

function open(machine: Machine, words: readonly string[], env: Record<string, string> = {}) {
  const all = { ...machine.env, ...OFFLINE, TERM: "xterm-256color", ...env };
  return openTerminal(machine.command(words), machine.folder.path, all, { cols: 80, rows: 24 });
}

/** Runs setup to its end and returns the screen since the last answer. */
async function setUp(machine: Machine, answers: readonly Answer[], env: Record<string, string> = {}) {
  const terminal = open(machine, ["setup"], env);
  await give(terminal, answers);
  await terminal.child.exited;
  return { exitCode: terminal.child.exitCode, text: terminal.text() };
}

async function put(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await Bun.write(file, text);
}

const tomlOf = async (machine: Machine, name: string): Promise<unknown> =>
  Bun.TOML.parse(await machine.read(name));

test("each key is tried and told by its fingerprint; a refused one is left out, and no secret is shown", async () => {
  await withUpstream(SCENE, async (upstream) => {
    using machine = tempMachine();
    const terminal = open(machine, ["setup"]);
    await give(terminal, ownService(upstream.baseUrl, [GOOD, "wrong-secret-2"], "second").slice(0, 4));
    await terminal.sees("Refused keys are left out");
    expect(terminal.text()).toContain(`${fingerprint(GOOD)} works`);
    expect(terminal.text()).toContain(`${fingerprint("wrong-secret-2")} rejected: wrong or expired (401`);
    for (const secret of [GOOD, "wrong-secret-2"]) expect(terminal.text()).not.toContain(secret);
    terminal.type(ENTER);
    await give(terminal, ownService(upstream.baseUrl, [], "second").slice(4));
    await terminal.child.exited;
    expect(await tomlOf(machine, "keys.toml")).toMatchObject({ keys: [{ provider: "box", value: GOOD }] });
    expect(await machine.read("keys.toml")).not.toContain("wrong-secret-2");
  });
});

test("when all that was pasted is refused, the keys are asked for again, though the service may need none", async () => {
  await withUpstream(SCENE, async (upstream) => {
    using machine = tempMachine();
    const service = ownService(upstream.baseUrl, ["wrong-secret-2"], "second");
    const { exitCode } = await setUp(machine, [
      ...service.slice(0, 4),
      ["Refused keys are left out", ENTER],
      ["Keys for box", `${pasted(["wrong-secret-3", GOOD])}${ENTER}`],
      [`1. ${fingerprint("wrong-secret-3")} rejected`, ""],
      [`2. ${fingerprint(GOOD)} works`, ENTER],
      ...service.slice(4),
    ]);
    expect(exitCode).toBe(0);
    expect(await tomlOf(machine, "keys.toml")).toMatchObject({ keys: [{ name: "key-1", value: GOOD }] });
  });
});

test("a refused key that is ticked is kept, and a key that comes twice is taken once", async () => {
  await withUpstream(SCENE, async (upstream) => {
    using machine = tempMachine();
    const secrets = ["wrong-secret-2", GOOD, GOOD];
    const { exitCode } = await setUp(machine, [
      ...ownService(upstream.baseUrl, secrets, "second").slice(0, 4),
      ["Refused keys are left out", `${SPACE}${ENTER}`],
      ["Which model is tried first?", { line: "None for now" }],
      ["Write this?", ENTER],
    ]);
    expect(exitCode).toBe(0);
    expect(await tomlOf(machine, "keys.toml")).toMatchObject({
      keys: [
        { name: "key-1", value: "wrong-secret-2" },
        { name: "key-2", value: GOOD },
      ],
    });
    expect(await tomlOf(machine, "config.toml")).toEqual({
      providers: { box: { base_url: upstream.baseUrl } },
    });
  });
});

test("where nothing can be reached that is said, and a model can be typed", async () => {
  using machine = tempMachine();
  const terminal = open(machine, ["setup"]);
  await give(terminal, [
    ["Which services", `${DOWN.repeat(3)}${SPACE}${ENTER}`],
    ["Base URL of the service", `${NOBODY}${ENTER}`],
    ["Could not load the models of", { line: "anyway" }],
    ["Short name of the service", `${CLEAR}box${ENTER}`],
    ["Keys for box", `${pasted([GOOD])}${ENTER}`],
    [`${fingerprint(GOOD)} unknown`, ""],
    ["Could not load the models of box", { line: "not on the list" }],
    ["Model, as provider/model", `${CLEAR}nowhere/m${ENTER}`],
    ["A service you have a key for", `${CLEAR}box/some/model${ENTER}`],
    ["Which model is tried after box/some/model?", ENTER],
    ["Name of this chain", `${CLEAR}my chain${ENTER}`],
    ["Only letters, digits", `${CLEAR}mine${ENTER}`],
    ["Write this?", ENTER],
    ["opencode starts with orouter/mine", ""],
  ]);
  await terminal.child.exited;
  expect(await tomlOf(machine, "config.toml")).toEqual({
    providers: { box: { base_url: NOBODY, models: ["some/model"] } },
    chains: { mine: ["box/some/model"] },
  });
});

test("what is there already stays: comments, settings, chains, keys", async () => {
  await withUpstream(SCENE, async (upstream) => {
    using machine = tempMachine();
    const config = `# mine\ntheme = "nord" # dark\n[providers.groq]\nbase_url = "${NOBODY}" # not now\n[chains] # two\nold = ["groq/m"] # the first\n`;
    const keys = `# keys\n${keysToml({ provider: "groq", name: "a", value: "groq-key-1" })}`;
    await machine.write("config.toml", config);
    await machine.write("keys.toml", keys);
    const { exitCode, text } = await setUp(machine, [
      ["Which services do you want to add, or give more keys?", `${DOWN.repeat(3)}${SPACE}${ENTER}`],
      ["Base URL of the service", `${upstream.url}${ENTER}`],
      ["Short name of the service", `${CLEAR}groq${ENTER}`],
      ["A service with that name already exists", `${CLEAR}box${ENTER}`],
      ["Keys for box", `${pasted([GOOD])}${ENTER}`],
      ["Which model does opencode start with?", { line: "another" }],
      ["Which model is tried first?", { line: "box/second" }],
      ["is tried after", ENTER],
      ["Name of this chain", `${CLEAR}old${ENTER}`],
      ["A chain old already exists", `${CLEAR}new${ENTER}`],
      ["Write this?", ENTER],
    ]);
    expect(exitCode).toBe(0);
    expect(text).toContain("opencode starts with orouter/old");
    const after = await machine.read("config.toml");
    for (const line of config.trim().split("\n")) expect(after).toContain(line);
    expect(Bun.TOML.parse(after)).toEqual({
      theme: "nord",
      providers: { groq: { base_url: NOBODY }, box: { base_url: upstream.baseUrl } },
      chains: { old: ["groq/m"], new: ["box/second"] },
    });
    expect(await machine.read("keys.toml")).toStartWith(keys.trimEnd());
    expect(await tomlOf(machine, "keys.toml")).toMatchObject({
      keys: [{ name: "a" }, { provider: "box", value: GOOD }],
    });
  });
});

test("the keys of older tools are offered, and come in under their names", async () => {
  using machine = tempMachine();
  const config = `${machine.folder.path}/.config/opencode`;
  await put(`${config}/ollama-router.json`, '{"keys":["ollama-old-1","ollama-old-2"]}');
  const store = { keys: [{ name: "mine", key: "nvapi-old-1234567" }], rotationStrategy: "round-robin" };
  await put(`${config}/nim-rotator-keys.json`, JSON.stringify(store));
  await machine.write(
    "config.toml",
    `[providers.nvidia]\nbase_url = "${NOBODY}"\n[providers.ollama-cloud]\nbase_url = "${NOBODY}"\n`,
  );
  const { exitCode } = await setUp(machine, [
    ["Other tools have keys", ENTER],
    ["orouter keys import", ""],
    ["Which services", ENTER],
    ["Testing 2 keys", ""],
    ["Keys for Ollama Cloud, one or several (Enter alone: no more)", ENTER],
    ["Testing the key", ""],
    ["Keys for NVIDIA NIM", ENTER],
    ["Which model is tried first?", { line: "None for now" }],
    ["Write this?", ENTER],
  ]);
  expect(exitCode).toBe(0);
  expect(await tomlOf(machine, "keys.toml")).toEqual({
    keys: [
      { provider: "ollama-cloud", name: "key-1", value: "ollama-old-1", enabled: true },
      { provider: "ollama-cloud", name: "key-2", value: "ollama-old-2", enabled: true },
      { provider: "nvidia", name: "mine", value: "nvapi-old-1234567", enabled: true },
    ],
  });
});

test("a key in the environment needs no file; its service is ticked and written down", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", `[models_dev]\nenabled = false\n`);
  const { exitCode } = await setUp(
    machine,
    [
      ["Already there for Groq: GROQ_API_KEY", ENTER],
      ["from the variable GROQ_API_KEY", ENTER],
      ["Which model is tried first?", ENTER],
      ["is tried after", ENTER],
      ["Name of this chain", ENTER],
      ["Write this?", ENTER],
    ],
    { GROQ_API_KEY: "gsk-of-the-environment" },
  );
  expect(exitCode).toBe(0);
  expect(await tomlOf(machine, "config.toml")).toEqual({
    models_dev: { enabled: false },
    providers: { groq: {} },
    chains: { coding: ["groq/openai/gpt-oss-120b"] },
  });
  expect(existsSync(machine.file("keys.toml"))).toBe(false);
});

test("Enter without a tick is explained, a service without a key is left out, and no key at all writes nothing", async () => {
  using machine = tempMachine();
  const { exitCode, text } = await setUp(machine, [
    ["Which services", ENTER],
    ["Space selects a line", `${SPACE}${ENTER}`],
    ["(Enter alone: leave it out)", ENTER],
  ]);
  expect(exitCode).toBe(4);
  expect(text).toContain("No key was given, so nothing was written");
  expect(existsSync(machine.file("."))).toBe(false);
});

test("who leaves is told that nothing was written", async () => {
  using machine = tempMachine();
  const { exitCode, text } = await setUp(machine, [["Which services", CTRL_C]]);
  expect(exitCode).toBe(1);
  expect(text).toContain("nothing was written");
  expect(namesIn(machine.folder.path)).not.toContain("orouter");
});

test("keys are safe before config.toml is written: what stops that costs no key", async () => {
  await withUpstream(SCENE, async (upstream) => {
    using machine = tempMachine();
    const terminal = open(machine, ["setup"]);
    const answers = ownService(upstream.baseUrl, [GOOD], "second");
    await give(terminal, answers.slice(0, -1));
    await terminal.sees("Write this?");
    await machine.write("config.toml", "[chains\n");
    terminal.type(ENTER);
    expect(await terminal.child.exited).toBe(3);
    expect(await machine.read("config.toml")).toBe("[chains\n");
    expect(await tomlOf(machine, "keys.toml")).toMatchObject({ keys: [{ provider: "box", value: GOOD }] });
    expect(terminal.text()).toContain("Written:");
  });
});

test("with a key, orouter alone is the list of commands, and setup without a terminal is wrong usage", async () => {
  using machine = tempMachine();
  const env = { GROQ_API_KEY: "gsk-of-the-environment" };
  const alone = await machine.run([], { env });
  expect(alone).toMatchObject({ exitCode: 0, stderr: "" });
  expect(alone.stdout).toBe((await machine.run(["--help"])).stdout);
  const setup = await machine.run(["setup"], { env });
  expect(setup).toMatchObject({ exitCode: 2, stdout: "" });
  expect(setup.stderr).toContain("needs a terminal");
});

test("keys that are all disabled are no first run: the way back is named", async () => {
  using machine = tempMachine();
  await machine.write("keys.toml", keysToml({ provider: "groq", name: "a", value: "gr-1", enabled: false }));
  const run = await machine.run(["setup"]);
  expect(run.exitCode).toBe(4);
  expect(run.stderr).toContain("orouter keys enable");
});

test("where Claude Code is installed, setup asks what its haiku means and writes that down", async () => {
  await withUpstream(SCENE, async (upstream) => {
    using machine = tempMachine();
    const claude = machine.folder.in("claude");
    await put(claude, "#!/bin/sh\n");
    chmodSync(claude, 0o755);
    const answers = ownService(upstream.baseUrl, [GOOD], "second");
    const { text, exitCode } = await setUp(
      machine,
      [...answers.slice(0, -1), ["does its `haiku` mean", { line: "box/second" }], ["Write this?", ENTER]],
      { OROUTER_CLAUDE: claude },
    );
    expect(exitCode).toBe(0);
    expect(text).toContain("Written:");
    expect(await tomlOf(machine, "config.toml")).toMatchObject({
      agents: { claude: { haiku: "box/second" } },
    });
  });
});
