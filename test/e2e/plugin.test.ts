import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ControlState } from "../../src/core/routing/control-state.ts";
import { rateLimited } from "../../src/demo/replies.ts";
import type { Upstream } from "../../src/demo/upstream.ts";
import { withUpstream } from "../demo/ask.ts";
import { sceneWith } from "../proxy/rig.ts";
import { orouterBinary } from "./binary.ts";
import { contentsOf, e2eMachine } from "./machine.ts";
import { openTerminal } from "./terminal.ts";

const CTRL_C = "\x03";
const LEADER = "\x18";
const ENTER = "\r";
const ESCAPE = "\x1b";
const KEYS = ["work", "home"];
const MODEL = "ollama-cloud/gpt-oss:120b";

type Machine = ReturnType<typeof e2eMachine>;

/** opencode's interface behind orouter, before a provider of which one key is at its limit. */
async function withInterface(
  more: string,
  play: (terminal: ReturnType<typeof openTerminal>, machine: Machine, upstream: Upstream) => Promise<void>,
): Promise<void> {
  let limited: string | undefined;
  const scene = sceneWith((call) => {
    // Whichever key is asked first is the one that has no more to give.
    limited ??= call.keyName;
    return call.keyName === limited ? rateLimited(600) : { kind: "answer", text: "Hello!" };
  }, KEYS);
  await withUpstream(scene, async (upstream) => {
    using machine = e2eMachine();
    machine.configure(upstream.baseUrl, scene.keys, more);
    const terminal = openTerminal([orouterBinary(), "opencode", "-m", MODEL], machine.project, machine.env);
    await terminal.sees("Ask anything");
    await play(terminal, machine, upstream);
    terminal.type(CTRL_C);
    await terminal.child.exited;
    expect(terminal.child.exitCode).toBe(0);
    expect(machine.leftovers()).toEqual([]);
  });
}

async function ask(terminal: ReturnType<typeof openTerminal>): Promise<void> {
  terminal.type("say hello");
  await terminal.sees("say hello");
  terminal.type(ENTER);
  await terminal.sees("Hello!");
}

let cols = 90;

/** A key right behind Escape would be another key: what Escape closes must be gone first. */
async function untilGone(terminal: ReturnType<typeof openTerminal>, cue: string): Promise<void> {
  while (terminal.text().includes(cue)) {
    // A size it has had already would not be drawn.
    cols++;
    terminal.redraw(cols, 30);
    await terminal.sees("ctrl+p commands");
  }
}

async function stateOf({ runtime }: Machine): Promise<ControlState> {
  const [run = ""] = readdirSync(join(runtime, "orouter"));
  const folder = join(runtime, "orouter", run);
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(readFileSync(join(folder, "tui.json"), "utf8")) ?? [];
  const authorization = `Bearer ${readFileSync(join(folder, "token"), "utf8")}`;
  return (await (
    await fetch(`${url}/_orouter/state`, { headers: { authorization } })
  ).json()) as ControlState;
}

test("a change of key is told, and a leader key leads to a dialog where the key is switched off", () =>
  withInterface("", async (terminal, machine) => {
    await ask(terminal);
    await terminal.sees("Key changed");
    await terminal.sees("rest ends");
    const { last, rests } = await stateOf(machine);
    expect(rests).toHaveLength(1);

    terminal.forget();
    terminal.type(`${LEADER}om`);
    await terminal.sees("orouter: keys");
    terminal.forget();
    terminal.type(ENTER);
    await terminal.sees("Turn off");
    terminal.type(ENTER);
    // Only what differs is drawn: a change of one word is seen when all is drawn again.
    while ((await stateOf(machine)).keys[0]?.enabled) await Bun.sleep(20);
    terminal.redraw(110, 34);
    await terminal.sees("Turn on");
    const { keys } = await stateOf(machine);
    expect(keys.map(({ name, enabled }) => [name, enabled])).toEqual([
      ["work", false],
      ["home", true],
    ]);
    terminal.forget();
    terminal.type(ESCAPE);
    await terminal.sees("orouter: keys");
    terminal.type(ESCAPE);
    await untilGone(terminal, "orouter: keys");
    const status = await machine.orouter(["status", "--json"]);
    expect((JSON.parse(status.stdout) as { keys: object[] }).keys).toMatchObject([
      { name: "work", enabled: true, switchedIn: [terminal.child.pid] },
      { name: "home", enabled: true, switchedIn: [] },
    ]);
    terminal.type(`${LEADER}os`);
    await terminal.sees("1 of 2 keys ready");
    terminal.type(ESCAPE);
    await untilGone(terminal, "keys ready");

    // The prompt has the keyboard again.
    terminal.forget();
    terminal.type("/chai");
    await terminal.sees("Fallback chain");
    terminal.type(ENTER);
    await terminal.sees("There is no chain yet.");
    terminal.type(ESCAPE);
    await untilGone(terminal, "no chain yet");
    expect(last?.model).toBe(MODEL);
  }));

test("limits are reset after a question, and opencode's own folders have nothing of ours", () =>
  withInterface("", async (terminal, machine) => {
    await ask(terminal);
    await terminal.sees("rest ends");
    terminal.forget();
    terminal.type(`${LEADER}or`);
    await terminal.sees("tried again at once");
    terminal.type(ENTER);
    while ((await stateOf(machine)).rests.length > 0) await Bun.sleep(20);
    const traces = Object.entries(contentsOf(join(machine.home, ".config", "opencode"))).filter(
      ([name, content]) =>
        !name.startsWith("node_modules") && Buffer.from(content, "base64").includes("orouter"),
    );
    expect(traces).toEqual([]);
    expect(contentsOf(join(machine.home, ".local", "state", "opencode"))).not.toHaveProperty(
      "plugin-meta.json",
    );
  }));

test("a chain that is made while opencode runs is there to pick, without a new start", () =>
  withInterface("", async (terminal, machine) => {
    const made = await machine.orouter(["chain", "add", "brand-new", MODEL]);
    expect(made.exitCode).toBe(0);
    await terminal.sees("Models have changed");
    terminal.type(`${LEADER}m`);
    await terminal.sees("Select model");
    terminal.type("brand");
    await terminal.sees("brand-new (chain)");
    terminal.type(ESCAPE);
    await untilGone(terminal, "Select model");
  }));

test("plugin = false leaves it out", () =>
  withInterface("[opencode]\nplugin = false\n", async (terminal, machine) => {
    await ask(terminal);
    const [run = ""] = readdirSync(join(machine.runtime, "orouter"));
    expect(readdirSync(join(machine.runtime, "orouter", run))).not.toContain("tui.json");
    expect(terminal.text()).not.toContain("Key changed");
  }));
