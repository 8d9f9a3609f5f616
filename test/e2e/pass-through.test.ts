import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { e2eMachine, standIn } from "./machine.ts";

/** Enough for a launch; nothing is ever sent with this key. */
const KEY = { OLLAMA_API_KEY: "secret-for-a-launch" };

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1000 && !condition(); tries++) await Bun.sleep(10);
  if (!condition()) throw new Error("what was waited for did not come");
}

test.each<[name: string, words: string[]]>([
  ["help is opencode's", ["--help"]],
  ["so is the version", ["--version"]],
  ["a lone double dash", ["--", "--version"]],
  ["flags that nobody knows", ["run", "--nonsense=1", "-x", "--no-thing"]],
  ["words with blanks, quotes and nothing in them", ["run", "a b", "", "'\"$HOME`", "ünï"]],
])("every word arrives as it was: %s", async (_name, words) => {
  using machine = e2eMachine();
  const env = { ...KEY, ...standIn(machine, 'for word in "$@"; do printf "[%s]\\n" "$word"; done') };
  const run = await machine.orouter(["opencode", ...words], { env });
  expect(run.stdout).toBe(words.map((word) => `[${word}]\n`).join(""));
  expect(run.exitCode).toBe(0);
});

test("stdin, both outputs and the exit code are opencode's own", async () => {
  using machine = e2eMachine();
  const env = { ...KEY, ...standIn(machine, "cat; echo talk >&2; exit 37") };
  const run = await machine.orouter(["opencode", "acp"], { env, stdin: "line one\nline two" });
  expect(run).toEqual({ stdout: "line one\nline two", stderr: "talk\n", exitCode: 37 });
});

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "%s reaches opencode, and orouter ends as it does",
  async (signal) => {
    using machine = e2eMachine();
    const ready = machine.folder.in("ready");
    const env = { ...KEY, ...standIn(machine, `touch ${ready}; exec sleep 60`) };
    const child = machine.startOrouter(["opencode", "serve"], { env });
    await until(() => existsSync(ready));
    child.kill(signal);
    await child.exited;
    expect(child.signalCode).toBe(signal);
    expect(machine.leftovers()).toEqual([]);
  },
);

test("a signal that opencode survives does not end orouter", async () => {
  using machine = e2eMachine();
  const ready = machine.folder.in("ready");
  const script = `trap 'echo caught; exit 5' TERM; touch ${ready}; while :; do sleep 0.05; done`;
  const child = machine.startOrouter(["opencode", "serve"], { env: { ...KEY, ...standIn(machine, script) } });
  await until(() => existsSync(ready));
  child.kill("SIGTERM");
  const [stdout] = await Promise.all([child.stdout.text(), child.exited]);
  expect(stdout).toBe("caught\n");
  expect(child.exitCode).toBe(5);
});

test("when orouter is killed outright, opencode is stopped, told about, and its run folder removed", async () => {
  using machine = e2eMachine();
  const pidFile = machine.folder.in("pid");
  const env = {
    ...KEY,
    ...standIn(machine, `echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; exec sleep 60`),
  };
  const child = machine.startOrouter(["opencode", "serve"], { env });
  await until(() => existsSync(pidFile));
  const pid = Number(await Bun.file(pidFile).text());
  await until(() => machine.leftovers().length > 0);
  // The guard starts right after opencode; give it time for its first line.
  await Bun.sleep(200);
  child.kill("SIGKILL");
  const stderr = await child.stderr.text();
  expect(stderr).toContain("orouter was killed");
  expect(() => process.kill(pid, 0)).toThrow();
  expect(machine.leftovers()).toEqual([]);
});

test("what a crash left is swept by the next run", async () => {
  using machine = e2eMachine();
  const env = { ...KEY, ...standIn(machine, "ls $XDG_RUNTIME_DIR/orouter") };
  const left = `run-${"a".repeat(22)}`;
  machine.write(`runtime/orouter/${left}/lock`, "");
  machine.write(`runtime/orouter/${left}/token`, "old");
  const run = await machine.orouter(["opencode", "models"], { env });
  expect(run.stdout).not.toContain(left);
  expect(run.stdout).toContain("run-");
  expect(machine.leftovers()).toEqual([]);
});

test("the user's own OPENCODE_CONFIG_CONTENT is kept under ours, and an outer orouter's is dropped", async () => {
  using machine = e2eMachine();
  const script = 'printf %s "$OPENCODE_CONFIG_CONTENT"';
  const env = {
    ...KEY,
    ...standIn(machine, script),
    OPENCODE_CONFIG_CONTENT: '{"username":"me", /* mine */ }',
  };
  const outer = await machine.orouter(["opencode", "run"], { env });
  const first = JSON.parse(outer.stdout);
  expect(first.username).toBe("me");
  expect(first.provider["ollama-cloud"].options.apiKey).toMatch(/^\{file:.*token\}$/);
  const inner = await machine.orouter(["opencode", "run"], {
    env: { ...env, OPENCODE_CONFIG_CONTENT: outer.stdout },
  });
  const second = JSON.parse(inner.stdout);
  expect(second.username).toBe("me");
  expect(second["x-orouter"].run).not.toBe(first["x-orouter"].run);
  expect(inner.stdout).not.toContain(first["x-orouter"].run);
});

test("commands that call no model run without a key", async () => {
  using machine = e2eMachine();
  const run = await machine.orouter(["opencode", "auth", "list"], { env: standIn(machine, 'echo "$@"') });
  expect(run.stdout).toBe("auth list\n");
  expect(run.exitCode).toBe(0);
});

test("OPENCODE_CONFIG_CONTENT that is no JSON is refused without repeating it", async () => {
  using machine = e2eMachine();
  const env = {
    ...KEY,
    ...standIn(machine, "echo ran"),
    OPENCODE_CONFIG_CONTENT: '{"apiKey":"secret-of-mine"',
  };
  const run = await machine.orouter(["opencode", "run"], { env });
  expect(run.exitCode).toBe(3);
  expect(run.stdout).toBe("");
  expect(run.stderr).toContain("OPENCODE_CONFIG_CONTENT");
  expect(run.stderr).not.toContain("secret-of-mine");
  expect(machine.leftovers()).toEqual([]);
});
