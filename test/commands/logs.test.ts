import { expect, test } from "bun:test";
import { openState } from "../../src/commands/state.ts";
import { fingerprint } from "../../src/core/key.ts";
import type { RequestRecord } from "../../src/core/routing/events.ts";
import { ownWords } from "../../src/core/scrub.ts";
import { attemptOf, finished, note, recordOf, stateOptions, until } from "../store/samples.ts";
import { tempMachine } from "./orouter.ts";

const WORK = fingerprint("secret-of-work");
const HOME = fingerprint("secret-of-home");
const NOW = Date.now();

const REFUSED = attemptOf(NOW, {
  model: "acme/one",
  keyName: "home",
  fingerprint: HOME,
  status: 403,
  verdict: "subscription",
  message: ownWords("this model requires a subscription"),
});

const RECORDS: RequestRecord[] = [
  recordOf("plain", NOW - 5000, { attempts: [attemptOf(NOW, { fingerprint: WORK })] }),
  recordOf("rescued", NOW - 4000, {
    session: "session-2",
    attempts: [REFUSED, attemptOf(NOW, { fingerprint: WORK })],
  }),
  recordOf("lost", NOW - 3000, {
    served: undefined,
    keyName: undefined,
    outcome: "exhausted",
    attempts: [REFUSED],
  }),
  recordOf("chained", NOW - 2000, {
    asked: "orouter/coding",
    served: "beta/two",
    attempts: [attemptOf(NOW, { model: "beta/two", keyName: "home", fingerprint: "bbbbbbbbbbbb" })],
  }),
  recordOf("left", NOW - 1000, { outcome: "client-gone", attempts: [] }),
];

type Machine = ReturnType<typeof tempMachine>;

async function machineWithLog(records: readonly RequestRecord[] = RECORDS): Promise<Machine> {
  const machine = tempMachine();
  await machine.write("config.toml", "");
  await write(machine, records);
  return machine;
}

async function write(machine: Machine, records: readonly RequestRecord[]): Promise<void> {
  const state = await openState(stateOptions(machine.file("state.db")));
  for (const record of records) note(state, finished(record));
  await state.close();
}

function idsOf(stdout: string): string[] {
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => (JSON.parse(line) as { id: string }).id);
}

test.each<[words: string[], ids: string[]]>([
  [[], ["plain", "rescued", "lost", "chained", "left"]],
  [
    ["-n", "2"],
    ["chained", "left"],
  ],
  [["--failures"], ["rescued", "lost"]],
  [["--failures", "-n", "1"], ["lost"]],
  [
    ["--key", "home"],
    ["rescued", "lost", "chained"],
  ],
  [
    ["--key", "acme/home"],
    ["rescued", "lost"],
  ],
  [["--key", "acme/home", "-n", "1"], ["lost"]],
  [
    ["--key", WORK.slice(0, 6)],
    ["plain", "rescued"],
  ],
  [["--model", "beta/two"], ["chained"]],
  [["--model", "coding"], ["chained"]],
  [["--session", "session-2"], ["rescued"]],
  [["--session", "no-such"], []],
])("logs --json %p prints what matches, oldest first", async (words, ids) => {
  using machine = await machineWithLog();
  const run = await machine.run(["logs", "--json", ...words]);
  expect(run.exitCode).toBe(0);
  expect(await idsOf(run.stdout)).toEqual(ids);
  expect(run.stderr).toBe(ids.length === 0 ? "No recent request matches.\n" : "");
});

test("a line of --json has the documented shape", async () => {
  using machine = await machineWithLog(RECORDS.slice(2, 3));
  const { stdout } = await machine.run(["logs", "--json"]);
  expect(JSON.parse(stdout)).toEqual({
    seq: 1,
    id: "lost",
    atMs: NOW - 3000,
    session: "session-1",
    client: null,
    asked: "acme/one",
    served: null,
    keyName: null,
    outcome: "exhausted",
    waitedMs: 0,
    firstTokenMs: 300,
    durationMs: 1000,
    inputTokens: 100,
    outputTokens: 20,
    attempts: [
      {
        atMs: NOW,
        model: "acme/one",
        keyName: "home",
        fingerprint: HOME,
        status: 403,
        verdict: "subscription",
        durationMs: 900,
        message: "this model requires a subscription",
      },
    ],
  });
});

test("a request is a line, with its attempts below where not all went well at once", async () => {
  using machine = await machineWithLog();
  const { stdout } = await machine.run(["logs"]);
  const lines = stdout.trimEnd().split("\n");
  const texts = lines.map((line) =>
    line.replace(/^\d\d-\d\d \d\d:\d\d:\d\d {2}/, "@ ").replaceAll(/ +/g, " "),
  );
  expect(texts).toEqual([
    "@ ok 1.0 s 100+20 acme/one (work)",
    "@ ok 1.0 s 100+20 acme/one (work)",
    ` 1. 403 subscription, 900 ms, acme/one (home, ${HOME.slice(0, 5)}…): this model requires a subscription`,
    ` 2. 200 ok, 900 ms, acme/one (work, ${WORK.slice(0, 5)}…)`,
    "@ exhausted 1.0 s 100+20 acme/one",
    ` 1. 403 subscription, 900 ms, acme/one (home, ${HOME.slice(0, 5)}…): this model requires a subscription`,
    "@ ok 1.0 s 100+20 orouter/coding → beta/two (work)",
    "@ cancelled 1.0 s 100+20 acme/one (work)",
  ]);
});

test("a model's name cannot steer the terminal", async () => {
  using machine = await machineWithLog([recordOf("odd", NOW, { asked: "\x1b[2Jevil\nline", attempts: [] })]);
  const { stdout } = await machine.run(["logs"]);
  expect(stdout).toBe(Bun.stripANSI(stdout));
  expect(stdout.trimEnd().split("\n")).toHaveLength(1);
});

test("a key among the words is refused and not repeated", async () => {
  using machine = await machineWithLog();
  const secret = "nvapi-abcdefgh12345678901234567890";
  const run = await machine.run(["logs", "--key", secret]);
  expect(run.exitCode).toBe(2);
  expect(run.stdout + run.stderr).not.toContain(secret);
});

test.each([["0"], ["-3"], ["1.5"], ["many"]])("-n %s is no number of requests", async (text) => {
  using machine = await machineWithLog();
  const run = await machine.run(["logs", "-n", text]);
  expect(run).toMatchObject({ exitCode: 2, stdout: "" });
  expect(run.stderr).toContain("-n must be a number");
});

/** A running `logs --follow`; `stop` ends it as Ctrl-C does. */
function follow(machine: Machine, words: readonly string[] = []) {
  const child = Bun.spawn(machine.command(["logs", "--follow", "--json", ...words]), {
    env: machine.env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const shown = { stdout: "", stderr: "" };
  const read = async (name: "stdout" | "stderr"): Promise<void> => {
    for await (const part of child[name]) shown[name] += new TextDecoder().decode(part);
  };
  const reading = [read("stdout"), read("stderr")];
  return {
    ids: () => idsOf(shown.stdout.slice(0, shown.stdout.lastIndexOf("\n") + 1)),
    talk: () => shown.stderr,
    stop: async () => {
      child.kill("SIGINT");
      await Promise.all([child.exited, ...reading]);
      return child.exitCode;
    },
  };
}

test("--follow begins with the last ones, goes on with what is new and matches, and ends cleanly", async () => {
  using machine = await machineWithLog();
  const log = follow(machine, ["--failures", "-n", "1"]);
  await until(() => log.ids().length > 0);
  write(machine, [
    recordOf("new-plain", NOW),
    recordOf("new-failed", NOW, { outcome: "exhausted", attempts: [REFUSED] }),
  ]);
  await until(() => log.ids().length > 1);
  expect(log.ids()).toEqual(["lost", "new-failed"]);
  expect(await log.stop()).toBe(0);
  expect(log.talk()).toBe("");
});

test("--follow waits for a state file that is yet to come", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", "");
  const log = follow(machine);
  await until(() => log.talk().includes("Waiting for requests"));
  write(machine, RECORDS.slice(0, 1));
  await until(() => log.ids().length > 0);
  expect(log.ids()).toEqual(["plain"]);
  expect(await log.stop()).toBe(0);
});

test("--follow ends by itself once nobody reads", async () => {
  using machine = await machineWithLog();
  const command = machine.command(["logs", "--follow"]).map((word) => `'${word}'`);
  const shell = Bun.spawn(
    ["/bin/bash", "-c", `${command.join(" ")} | head -n 1; echo "\${PIPESTATUS[0]}" >&2`],
    {
      env: machine.env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const first = await shell.stdout.getReader().read();
  expect(new TextDecoder().decode(first.value)).toContain("acme/one (work)");
  // The writer notices only at its next line that the reader has gone.
  write(machine, [recordOf("next", NOW)]);
  expect(await shell.stderr.text()).toBe("0\n");
});
