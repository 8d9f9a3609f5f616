import { expect, test } from "bun:test";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { answer, subscriptionRequired } from "../../src/demo/reply.ts";
import type { Scene } from "../../src/demo/scenes.ts";
import { type Answer, CTRL_C, ENTER, give, ownService } from "../commands/setup-answers.ts";
import { modeOf } from "../config/temp-folder.ts";
import { sceneOf, withUpstream } from "../demo/ask.ts";
import { orouterBinary } from "./binary.ts";
import { contentsOf, e2eMachine, standIn } from "./machine.ts";
import { openTerminal } from "./terminal.ts";

const SECRETS = ["scripted-key-1", "scripted-key-2", "scripted-key-3"];
const SIZE = { cols: 80, rows: 24 };

/** The plan has no access to the first model of the list, except for a single token. */
const SCENE: Scene = {
  ...sceneOf((call) => {
    const isTrial = call.body.includes("Say ok.");
    return call.model === "grand" && !isTrial
      ? subscriptionRequired()
      : answer(call, "Hello from the second.");
  }),
  keys: SECRETS.map((secret, at) => ({ name: `k${at}`, secret })),
  models: ["grand", "plain"],
};

/** A home without files of orouter, and no network. */
function freshMachine() {
  const machine = e2eMachine();
  rmSync(join(machine.home, ".config"), { recursive: true });
  machine.env["HTTPS_PROXY"] = "http://127.0.0.1:9";
  return machine;
}

type Machine = ReturnType<typeof freshMachine>;

function open(machine: Machine, words: readonly string[], env: Record<string, string> = {}) {
  return openTerminal([orouterBinary(), ...words], machine.project, { ...machine.env, ...env }, SIZE);
}

const settingsOf = (machine: Machine): string => join(machine.home, ".config/orouter");

test("from nothing to a first answer: three keys pasted, a chain chosen, and opencode answers through it", async () => {
  await withUpstream(SCENE, async (upstream) => {
    using machine = freshMachine();
    const terminal = open(machine, ["opencode"]);
    await give(terminal, ownService(upstream.baseUrl, SECRETS, "plain"));
    await terminal.sees("Ask anything");
    terminal.type("say hello");
    await terminal.sees("say hello");
    terminal.type(ENTER);
    await terminal.sees("Hello from the second.");
    terminal.type(CTRL_C);
    await terminal.child.exited;
    expect(terminal.child.exitCode).toBe(0);
    expect(terminal.text()).toMatch(/\[orouter\] .*[1-9]\d* fallbacks?/);
    const asked = upstream.calls.filter((call) => call.body.includes("say hello")).map((call) => call.model);
    expect(new Set(asked)).toEqual(new Set(["grand", "plain"]));
    const config = Bun.TOML.parse(await Bun.file(join(settingsOf(machine), "config.toml")).text());
    expect(config).toEqual({
      providers: { box: { base_url: upstream.baseUrl } },
      chains: { coding: ["box/grand", "box/plain"] },
    });
    const keys = await Bun.file(join(settingsOf(machine), "keys.toml")).text();
    for (const secret of SECRETS) expect(keys).toContain(`value = "${secret}"`);
    expect(modeOf(join(settingsOf(machine), "keys.toml"))).toBe(0o600);
    expect(modeOf(settingsOf(machine))).toBe(0o700);
  });
});

test("the words behind opencode reach it after the questions, and its exit code comes back", async () => {
  await withUpstream(SCENE, async (upstream) => {
    using machine = freshMachine();
    const env = standIn(machine, 'echo "got $# words: $*"; exit 7');
    const terminal = open(machine, ["opencode", "run", "say hello"], env);
    await give(terminal, ownService(upstream.baseUrl, SECRETS, "plain"));
    await terminal.sees("got 2 words: run say hello");
    await terminal.child.exited;
    expect(terminal.child.exitCode).toBe(7);
  });
});

test.each<[answer: string, hasStarted: boolean]>([
  [ENTER, true],
  ["n", false],
])("orouter without a word asks, then offers to start opencode: %j", async (typed, hasStarted) => {
  await withUpstream(SCENE, async (upstream) => {
    using machine = freshMachine();
    const marker = machine.folder.in("started");
    const terminal = open(machine, [], standIn(machine, `touch ${marker}`));
    await give(terminal, [...ownService(upstream.baseUrl, SECRETS, "plain"), ["Start opencode now?", typed]]);
    await terminal.child.exited;
    expect(terminal.child.exitCode).toBe(0);
    expect(existsSync(marker)).toBe(hasStarted);
  });
});

const ENDS: [name: string, end: (terminal: ReturnType<typeof open>) => void][] = [
  ["a kill", ({ child }) => child.kill("SIGKILL")],
  ["Ctrl-C", (terminal) => terminal.type(CTRL_C)],
];

test.each(ENDS)("%s at any question leaves no file behind", async (_name, end) => {
  await withUpstream(SCENE, async (upstream) => {
    await atEachQuestion(ownService(upstream.baseUrl, SECRETS, "plain"), async (answers, last) => {
      using machine = freshMachine();
      const terminal = open(machine, ["opencode"]);
      await give(terminal, answers);
      await terminal.sees(last);
      end(terminal);
      await terminal.child.exited;
      expect(terminal.child.exitCode).not.toBe(0);
      expect(existsSync(settingsOf(machine))).toBe(false);
    });
  });
});

test.each(ENDS)("%s at any question leaves the old files whole", async (_name, end) => {
  await withUpstream(SCENE, async (upstream) => {
    const start = ownService(upstream.baseUrl, SECRETS.slice(1), "plain").slice(0, 4);
    const more: Answer[] = [["Which model does opencode start with?", { line: "another" }]];
    const rest: Answer[] = [
      ["Which model is tried first?", ENTER],
      ["is tried after", ENTER],
      ["Name of this chain", ENTER],
      ["Write this?", ENTER],
    ];
    await atEachQuestion([...start, ...more, ...rest], async (answers, last) => {
      using machine = freshMachine();
      const text = `# mine\n[models_dev]\nenabled = false # no news\n[chains]\nold = ["nvidia/m"]\n`;
      machine.write("home/.config/orouter/config.toml", text);
      machine.write("home/.config/orouter/keys.toml", '# keys\n[[keys]]\nprovider = "none"\nvalue = "abc"\n');
      const before = contentsOf(settingsOf(machine));
      const terminal = open(machine, ["setup"]);
      await give(terminal, answers);
      await terminal.sees(last);
      end(terminal);
      await terminal.child.exited;
      expect(terminal.child.exitCode).not.toBe(0);
      expect(contentsOf(settingsOf(machine))).toEqual(before);
    });
  });
});

/** Runs the test once per question, with the earlier ones answered. */
async function atEachQuestion(
  answers: readonly Answer[],
  run: (before: readonly Answer[], cue: string) => Promise<void>,
): Promise<void> {
  await Promise.all(answers.map(([cue], at) => run(answers.slice(0, at), cue)));
}

test.each<[words: string[]]>([[[]], [["setup"]], [["opencode"]], [["opencode", "run", "hi"]]])(
  "without a terminal and without a key orouter %j ends with 4 and the commands to run",
  async (words) => {
    using machine = freshMachine();
    const run = await machine.orouter(words);
    expect(run).toMatchObject({ exitCode: 4, stdout: "" });
    for (const command of ["orouter setup", "orouter keys add", "OLLAMA_API_KEY", "orouter demo"])
      expect(run.stderr).toContain(command);
    expect(existsSync(settingsOf(machine))).toBe(false);
  },
);
