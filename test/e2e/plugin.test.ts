import { expect } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Reply, rateLimited } from "../../src/demo/reply.ts";
import type { Scene } from "../../src/demo/scenes.ts";
import { type RouterState, routerClient } from "../../src/harness/plugin/router-client.ts";
import { findRuns } from "../../src/harness/run/run-dir.ts";
import { orouterBinary } from "./binary.ts";
import { contentsOf } from "./machine.ts";
import { type OpencodeProgram, wordsOf } from "./opencode-program.ts";
import { type Machine, MODEL, onStage, RUN, scenario, sceneWithKeys } from "./scenario.ts";
import { openScreen } from "./screen.ts";

const CTRL_C = "\x03";
const LEADER = "\x18";
const PALETTE = "\x10";
const ENTER = "\r";
const ESCAPE = "\x1b";

type Screen = ReturnType<typeof openScreen>;

const HELLO: Reply = { kind: "answer", text: "Hello!" };

/** opencode's interface behind orouter, with a provider whose first key is at its limit. */
function withInterface(
  program: OpencodeProgram,
  more: string,
  play: (screen: Screen, machine: Machine) => Promise<void>,
): Promise<void> {
  let limited: string | undefined;
  const scene = sceneWithKeys(["work", "home"], ({ keyName }) => {
    limited ??= keyName;
    return keyName === limited ? rateLimited(600) : HELLO;
  });
  return withScene(program, scene, more, play);
}

function withScene(
  program: OpencodeProgram,
  scene: Scene,
  more: string,
  play: (screen: Screen, machine: Machine) => Promise<void>,
): Promise<void> {
  return onStage(program, scene, more, async (machine) => {
    machine.chooseModel(`ollama-cloud/${MODEL}`);
    await using screen = openScreen([orouterBinary(), "opencode"], machine.project, machine.env);
    await screen.sees("Ask anything");
    await play(screen, machine);
    screen.type(CTRL_C);
    await screen.child.exited;
    expect(screen.child.exitCode).toBe(0);
  });
}

async function ask(screen: Screen): Promise<void> {
  screen.type("say hello");
  await screen.sees("say hello");
  // opencode 2 ignores Enter until its server is ready; on an empty prompt it does nothing.
  await screen.presses(ENTER, "Hello!");
}

/** Closes the open dialog. A key directly after Escape would be read as one key with it. */
async function leave(screen: Screen, title: string): Promise<void> {
  screen.type(ESCAPE);
  await screen.misses(title);
}

function stateOf({ runtime }: Machine): Promise<RouterState> {
  const [run] = findRuns(join(runtime, "orouter"));
  if (run === undefined) throw new Error("no run is under way");
  return routerClient({ url: run.url, tokenFile: join(runFolder(runtime), "token") }).state();
}

function runFolder(runtime: string): string {
  const [name = ""] = readdirSync(join(runtime, "orouter"));
  return join(runtime, "orouter", name);
}

scenario("a key change shows as a toast and beside the prompt, and a dialog turns a key off", (program) =>
  withInterface(program, "", async (screen, machine) => {
    await ask(screen);
    await screen.hasShown("Key changed");
    await screen.sees(/(work|home) · gpt-oss:120b · cooldown ends \d\d:\d\d/);
    expect((await stateOf(machine)).cooldowns).toHaveLength(1);

    screen.type(`${LEADER}om`);
    await screen.sees("orouter: keys");
    screen.type(ENTER);
    await screen.sees("Turn off");
    screen.type(ENTER);
    await screen.sees("Turn on");
    await screen.sees("ollama-cloud/work: off");
    const { keys } = await stateOf(machine);
    expect(keys.map(({ name, enabled }) => [name, enabled])).toEqual([
      ["work", false],
      ["home", true],
    ]);
    screen.type(ESCAPE);
    await screen.sees("orouter: keys");
    await leave(screen, "orouter: keys");
    const status = await machine.orouter(["status", "--json"]);
    expect((JSON.parse(status.stdout) as { keys: object[] }).keys).toMatchObject([
      { name: "work", enabled: true, switchedIn: [screen.child.pid] },
      { name: "home", enabled: true, switchedIn: [] },
    ]);
    screen.type(`${LEADER}os`);
    await screen.sees("orouter: 1 of 2 keys ready");
    await leave(screen, "keys ready");

    // The prompt has the keyboard again.
    screen.type("/chai");
    await screen.sees("Fallback chain");
    screen.type(ENTER);
    await screen.sees("No chains yet");
    await leave(screen, "No chains yet");
  }),
);

scenario(
  "the palette has the commands, and a reset asks first and leaves nothing in opencode's folders",
  (program) =>
    withInterface(program, "", async (screen, machine) => {
      await ask(screen);
      await screen.sees("cooldown ends");
      screen.type(PALETTE);
      await screen.sees("Commands");
      screen.type("orouter");
      for (const title of ["Status", "Manage keys", "Cooldowns", "Reset cooldowns", "Fallback chain"])
        await screen.sees(`orouter: ${title}`);
      await leave(screen, "Commands");
      screen.type(`${LEADER}or`);
      await screen.sees("1 cooldown will end");
      screen.type(ENTER);
      await screen.hasShown("1 cooldown ended.");
      expect((await stateOf(machine)).cooldowns).toEqual([]);
      await screen.misses("cooldown ends");
      const traces = Object.entries(contentsOf(join(machine.home, ".config", "opencode"))).filter(
        ([name, content]) =>
          !name.startsWith("node_modules") && Buffer.from(content, "base64").includes("orouter"),
      );
      expect(traces).toEqual([]);
      expect(contentsOf(join(machine.home, ".local", "state", "opencode"))).not.toHaveProperty(
        "plugin-meta.json",
      );
    }),
);

scenario("the line beside the prompt shows the lane in use and how long it has taken", async (program) => {
  const slow: Reply = { kind: "answer", text: "Hello!", firstTokenAfterMs: 20_000 };
  const scene = sceneWithKeys(["work"], ({ isTitle }) => (isTitle ? HELLO : slow));
  await withScene(program, scene, "", async (screen) => {
    screen.type("say hello");
    await screen.sees("say hello");
    await screen.presses(ENTER, "interrupt");
    await screen.sees(/work · gpt-oss:120b · waiting \d+ s/);
    await screen.sees("Hello!");
    await screen.misses("waiting");
  });
});

scenario("a page of cooldowns ends one of them", (program) =>
  withInterface(program, "", async (screen, machine) => {
    await ask(screen);
    await screen.sees("cooldown ends");
    screen.type(`${LEADER}ob`);
    await screen.sees("orouter: 1 cooldown (Enter ends one)");
    screen.type(ENTER);
    await screen.sees("No cooldowns: every key and model can be used.");
    expect((await stateOf(machine)).cooldowns).toEqual([]);
    await leave(screen, "No cooldowns");
  }),
);

scenario("a chain that is added while opencode runs can be picked without a restart", (program) =>
  withInterface(program, "", async (screen, machine) => {
    const made = await machine.orouter(["chain", "add", "brand-new", `ollama-cloud/${MODEL}`]);
    expect(made.exitCode).toBe(0);
    // opencode 2 reloads the models without a message.
    if (program.major === 1) await screen.hasShown("Models have changed");
    screen.type(`${LEADER}m`);
    await screen.sees("Select model");
    screen.type("brand");
    await screen.sees("brand-new (chain)");
    await leave(screen, "Select model");
  }),
);

scenario("plugin = false leaves the interface as it is", (program) =>
  withInterface(program, "[opencode]\nplugin = false\n", async (screen, machine) => {
    await ask(screen);
    const files = readdirSync(runFolder(machine.runtime), { recursive: true, encoding: "utf8" });
    expect(files.filter((file) => file.includes("tui"))).toEqual([]);
    expect(screen.everShowed("Key changed")).toBe(false);
  }),
);

scenario(
  "the sidebar lists the keys and their states",
  (program) =>
    withInterface(program, "", async (screen) => {
      await ask(screen);
      screen.resize(160, 40);
      await screen.sees("2 of 2 ready");
      await screen.sees(/• (work|home) +1 model in cooldown/);
      await screen.sees(/• (work|home) +ready/);
    }),
  { majors: [2] },
);

scenario(
  "shell commands get a key and nothing of the run, and the model can list the keys",
  async (program) => {
    const scene = sceneWithKeys(["work"], (call) => {
      if (call.isTitle) return HELLO;
      const said = JSON.parse(call.body) as { messages: { role: string; content: unknown }[] };
      const results = said.messages.filter(({ role }) => role === "tool");
      if (results.length === 0) return toolCall(wordsOf(program).shell("env"));
      if (results.length === 1) return toolCall({ name: "list_keys", arguments: "{}" });
      return { kind: "answer", text: JSON.stringify(results.map(({ content }) => content)) };
    });
    await onStage(program, scene, "[opencode]\nshell_keys = true\ntools = true\n", async (machine) => {
      const { stdout } = await machine.orouter([...RUN, "--auto", "show it"]);
      const [env = "", keys = ""] = /\["([\s\S]*)","([\s\S]*)"\]/.exec(stdout)?.slice(1) ?? [];
      // The scripted model repeats what the shell said: in an answer only a known key is taken out.
      expect(env).toMatch(/OLLAMA_API_KEY=(?:scripted-work|\[redacted\])/);
      expect(env).not.toMatch(/OPENCODE_CONFIG|OROUTER_RUN_ID|OROUTER_ADDED/);
      expect(keys).toBe("ollama-cloud/work: ready");
    });
  },
  { majors: [2] },
);

function toolCall(call: { name: string; arguments: string }): Reply {
  return { kind: "answer", text: "", toolCalls: [call] };
}
