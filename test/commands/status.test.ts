import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { openState } from "../../src/commands/state.ts";
import { fingerprint } from "../../src/core/key.ts";
import {
  attemptOf,
  cooldownOf,
  cooldownStarted,
  finished,
  note,
  recordOf,
  stateOptions,
} from "../store/samples.ts";
import { keysToml, tempMachine } from "./orouter.ts";

const SECRET = "secret-of-work";
const WORK = fingerprint(SECRET);
const TOML = keysToml(
  { provider: "ollama-cloud", name: "work", value: SECRET },
  { provider: "ollama-cloud", name: "spare", env: "NOT_SET_ANYWHERE", enabled: true },
);

type Machine = ReturnType<typeof tempMachine>;

async function machineWithState(): Promise<Machine> {
  const machine = tempMachine();
  await machine.write("keys.toml", TOML);
  await machine.write("config.toml", '[chains]\ncoding = ["ollama-cloud/m"]\n');
  const state = await openState(stateOptions(machine.file("state.db")));
  const nowMs = Date.now();
  note(state, cooldownStarted(cooldownOf(`key ${WORK}`, nowMs)));
  const attempts = [
    attemptOf(nowMs, { model: "ollama-cloud/m", fingerprint: WORK, status: 429, verdict: "quota" }),
    attemptOf(nowMs, { model: "ollama-cloud/m", fingerprint: WORK }),
  ];
  note(
    state,
    finished(recordOf("r1", nowMs, { asked: "orouter/coding", served: "ollama-cloud/m", attempts })),
  );
  await state.close();
  return machine;
}

test("status --json has runs, keys, cooldowns, chains and requests", async () => {
  using machine = await machineWithState();
  const run = await machine.run(["status", "--json"]);
  expect(run.exitCode).toBe(0);
  const moment = expect.any(Number);
  expect(JSON.parse(run.stdout)).toEqual({
    version: 2,
    now: moment,
    strategy: "auto",
    runs: [],
    elsewhere: [],
    keys: [
      {
        provider: "ollama-cloud",
        name: "work",
        fingerprint: WORK,
        enabled: true,
        source: "keys.toml",
        state: "cooling-down",
        untilMs: moment,
        why: "quota",
        inFlight: 0,
        switchedIn: [],
        quota: [],
        today: { requests: 1, refusals: 1, inputTokens: 100, outputTokens: 20 },
      },
      {
        provider: "ollama-cloud",
        name: "spare",
        fingerprint: null,
        enabled: true,
        source: "keys.toml",
        state: "no-secret",
        untilMs: null,
        why: null,
        inFlight: 0,
        switchedIn: [],
        quota: [],
        today: { requests: 0, refusals: 0, inputTokens: 0, outputTokens: 0 },
      },
    ],
    cooldowns: [
      {
        id: `key ${WORK}`,
        scope: "key",
        key: "ollama-cloud/work",
        model: null,
        provider: null,
        kind: "quota",
        status: 429,
        message: "weekly limit reached",
        sinceMs: moment,
        untilMs: moment,
        failures: 1,
      },
    ],
    benches: [],
    chains: [
      {
        name: "coding",
        models: [
          {
            model: "ollama-cloud/m",
            keys: 1,
            ready: 0,
            state: "cooling-down",
            untilMs: moment,
            why: "quota",
          },
        ],
      },
    ],
    requests: [expect.objectContaining({ id: "r1", asked: "orouter/coding", outcome: "served" })],
  });
});

test("the table says the same, without a secret and without colour", async () => {
  using machine = await machineWithState();
  const { stdout, stderr, exitCode } = await machine.run(["status"]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    /ollama-cloud\/work +[0-9a-f]{12} +cooling down until .*plan limit used up +1 +1 +120/,
  );
  expect(stdout).toContain("orouter/coding → ollama-cloud/m");
  expect(stdout).toBe(Bun.stripANSI(stdout));
  expect(stdout + stderr).not.toContain(SECRET);
});

test("looking makes no state file where there is none", async () => {
  using machine = tempMachine();
  for (const args of [["status"], ["status", "--json"], ["logs"]]) {
    expect((await machine.run(args)).exitCode).toBe(0);
    expect(existsSync(machine.file("state.db"))).toBe(false);
  }
  expect((await machine.run(["status"])).stdout).toContain("orouter keys add");
});

test.each([[["--watch"]], [["--watch", "--json"]]])(
  "status %p without a terminal is a usage error",
  async (words) => {
    using machine = tempMachine();
    const run = await machine.run(["status", ...words]);
    expect(run.exitCode).toBe(2);
    expect(run.stdout).toBe("");
    expect(run.stderr).toContain("--watch");
  },
);

/** `act` is called with the whole output whenever more arrives. */
async function inTerminal(
  machine: Machine,
  size: { cols: number; rows: number },
  act: (screen: string, terminal: Bun.Terminal) => void,
) {
  let screen = "";
  const child = Bun.spawn(machine.command(["status", "--watch"]), {
    env: { ...machine.env, TERM: "xterm-256color" },
    terminal: {
      ...size,
      data: (terminal, bytes) => {
        screen += new TextDecoder().decode(bytes);
        act(screen, terminal);
      },
    },
  });
  const exitCode = await child.exited;
  child.terminal?.close();
  return { exitCode, screen };
}

test.each([["q"], ["\x03"]])("--watch draws on the other screen and gives it back on %j", async (key) => {
  using machine = await machineWithState();
  let isTyped = false;
  const { exitCode, screen } = await inTerminal(machine, { cols: 80, rows: 24 }, (shown, terminal) => {
    if (isTyped || !shown.includes("plan limit")) return;
    isTyped = true;
    terminal.write(key);
  });
  expect(exitCode).toBe(0);
  const [before, live] = screen.split("\x1b[?1049h");
  // Remarks about keys appear after the live screen has closed.
  expect(before?.replace(/\s+/g, " ")).toContain("NOT_SET_ANYWHERE is not set");
  expect(live).toContain("plan limit used up");
  expect(screen.endsWith("\x1b[?25h\x1b[?1049l")).toBe(true);
});

test("--watch shows what other orouters learn, and follows the terminal's size", async () => {
  using machine = await machineWithState();
  let isNoted = false;
  let isResized = false;
  const { screen } = await inTerminal(machine, { cols: 100, rows: 30 }, async (shown, terminal) => {
    if (!isNoted && shown.includes("plan limit")) {
      isNoted = true;
      const other = await openState(stateOptions(machine.file("state.db")));
      note(
        other,
        cooldownStarted(cooldownOf("provider groq", Date.now(), { scope: "provider", kind: "forbidden" })),
      );
      await other.close();
    }
    if (!isResized && shown.includes("all of groq")) {
      isResized = true;
      terminal.resize(100, 4);
    }
    // Four lines leave no room for the rows of the lower sections.
    const lastFrame = shown.slice(shown.lastIndexOf("\x1b[?2026h"));
    if (isResized && lastFrame.includes("\x1b[?2026l") && !lastFrame.includes("all of groq"))
      terminal.write("q");
  });
  expect(screen).toContain("all of groq");
});
