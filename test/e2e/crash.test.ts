import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { answer } from "../../src/demo/reply.ts";
import type { Scene } from "../../src/demo/scenes.ts";
import type { Upstream } from "../../src/demo/upstream.ts";
import { sceneOf, withUpstream } from "../demo/ask.ts";
import { readEvents, textOf } from "../demo/read-events.ts";
import { orouterBinary } from "./binary.ts";
import { type BoundedRun, boundedRun } from "./bounded-run.ts";
import { contentsOf, e2eMachine } from "./machine.ts";
import { SERVED_MODEL, sharedHome, startServe } from "./serve-process.ts";

const TEXT = "Still here.";
const KEY = { name: "only", secret: "secret-only" };
const RUN = ["opencode", "run", "-m", `ollama-cloud/${SERVED_MODEL}`, "hi"];
const STATE = "home/.local/state/orouter";

type Machine = ReturnType<typeof e2eMachine>;

async function withMachine(work: (machine: Machine, upstream: Upstream) => Promise<void>): Promise<void> {
  const scene: Scene = { ...sceneOf((call) => answer(call, TEXT)), models: [SERVED_MODEL] };
  await withUpstream(scene, async (upstream) => {
    using machine = e2eMachine();
    machine.configure(upstream.baseUrl, [KEY]);
    await work(machine, upstream);
    expect(machine.leftovers()).toEqual([]);
  });
}

/** The answer arrived as usual, followed by one line of ours that names the file. */
function expectSaidOnce(run: BoundedRun, about: RegExp): void {
  expect({ stdout: run.stdout, exitCode: run.exitCode }).toEqual({ stdout: `${TEXT}\n`, exitCode: 0 });
  const said = run.stderr.split("\n").filter((line) => line.includes("[orouter]"));
  expect(said).toEqual([expect.stringMatching(about)]);
  expect(run.stderr).not.toContain("Error");
  // None of our lines comes before or between opencode's own.
  expect(run.stderr.indexOf("[orouter]")).toBeGreaterThan(run.stderr.indexOf("> build"));
}

test("a state.db that is none is set aside, and the run goes on with a fresh one", () =>
  withMachine(async (machine) => {
    const garbage = "this is no database, by no means\n".repeat(300);
    machine.write(`${STATE}/state.db`, garbage);
    const first = await boundedRun(machine, RUN, { limitMs: 120_000 });
    expectSaidOnce(
      first,
      /state\.db was corrupt, so a new one was started\. .* kept as .*state\.db\.broken-\w+/,
    );
    const folder = machine.folder.in(STATE);
    const [aside = "", ...others] = readdirSync(folder).filter((name) => name.includes("broken"));
    expect(others).toEqual([]);
    expect(readFileSync(join(folder, aside), "utf8")).toBe(garbage);
    using db = new Database(join(folder, "state.db"), { readonly: true });
    expect(db.query("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    expect(db.query("SELECT count(*) AS n FROM requests WHERE outcome = 'served'").get()).toEqual({ n: 2 });
    // The next run has nothing to report.
    const second = await boundedRun(machine, RUN, { limitMs: 120_000 });
    expect({ stdout: second.stdout, exitCode: second.exitCode }).toEqual({
      stdout: `${TEXT}\n`,
      exitCode: 0,
    });
    expect(second.stderr).not.toContain("[orouter]");
  }));

test("the words about a broken state.db are sentences", () =>
  withMachine(async (machine) => {
    machine.write(`${STATE}/state.db`, "this is no database, by no means\n".repeat(300));
    const run = await boundedRun(machine, RUN, { limitMs: 120_000 });
    // The description ends before the fix begins.
    expect(run.stderr).toMatch(/state\.db\.broken-\w+(?:\.|\n) *Delete the old one/);
  }));

test.each<[name: string, spoil: (machine: Machine) => void]>([
  [
    "a folder in place of state.db",
    (machine) => mkdirSync(machine.folder.in(`${STATE}/state.db`), { recursive: true }),
  ],
  ["a file in place of the state folder", (machine) => machine.write(STATE, "not a folder")],
])("%s: the run is made without it, and says so once", (_name, spoil) =>
  withMachine(async (machine) => {
    spoil(machine);
    const run = await boundedRun(machine, RUN, { limitMs: 120_000 });
    expectSaidOnce(run, /state\.db cannot be used \(.+\)\. Nothing is remembered after this run/);
  }),
);

test("config.toml and keys.toml in a folder that cannot be written are read, and nothing else is asked of it", () =>
  withMachine(async (machine) => {
    const folder = join(machine.home, ".config/orouter");
    const before = contentsOf(folder);
    for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o400);
    chmodSync(folder, 0o500);
    try {
      const run = await boundedRun(machine, RUN, { limitMs: 120_000 });
      expect({ stdout: run.stdout, exitCode: run.exitCode }).toEqual({ stdout: `${TEXT}\n`, exitCode: 0 });
      expect(run.stderr).not.toContain("[orouter]");
      expect(contentsOf(folder)).toEqual(before);
    } finally {
      chmodSync(folder, 0o700);
    }
  }));

test("a run folder that takes not a byte is said before opencode starts, and is not left behind", () =>
  withMachine(async (machine, upstream) => {
    // A limit on file sizes is the only full disk that every user can create.
    const script = 'trap "" XFSZ; ulimit -f 0; exec "$0" "$@"';
    const run = await machine.run(["sh", "-c", script, orouterBinary(), ...RUN]);
    expect({ stdout: run.stdout, exitCode: run.exitCode }).toEqual({ stdout: "", exitCode: 1 });
    expect(run.stderr).toMatch(
      /^orouter: \S+token cannot be written: .+\nFree some space there, .*XDG_RUNTIME_DIR/,
    );
    expect(run.stderr).not.toContain("bug");
    expect(upstream.calls.filter((call) => call.dialect !== undefined)).toEqual([]);
  }));

test("a run folder that cannot be made is said before opencode starts", () =>
  withMachine(async (machine, upstream) => {
    const file = machine.write("a-file", "");
    const run = await boundedRun(machine, RUN, { limitMs: 120_000, env: { XDG_RUNTIME_DIR: file } });
    expect({ stdout: run.stdout, exitCode: run.exitCode }).toEqual({ stdout: "", exitCode: 1 });
    expect(run.stderr).toMatch(/^orouter: The run folder cannot be made under .+\n.*XDG_RUNTIME_DIR/);
    expect(upstream.calls.filter((call) => call.dialect !== undefined)).toEqual([]);
  }));

test("keys.toml may change while orouter runs, even into nonsense: the run goes on, the next start reads it", () =>
  withMachine(async (machine, upstream) => {
    const home = sharedHome(machine, upstream.baseUrl, [KEY]);
    const ask = async (serve: Awaited<ReturnType<typeof startServe>>, session: string): Promise<string> =>
      textOf(readEvents(await (await serve.ask(session)).text()));
    const one = await startServe(machine, home);
    try {
      expect(await ask(one, "before")).toBe(TEXT);
      machine.write("orouter/keys.toml", '[[keys]]\nprovider = "ollama-cloud"\nname = unquoted\n');
      expect(await ask(one, "after")).toBe(TEXT);
    } finally {
      one.kill("SIGTERM");
    }
    expect((await one.ended()).exitCode).toBe(0);
    const next = await boundedRun(machine, ["serve"], { limitMs: 60_000, env: { OROUTER_HOME: home } });
    expect(next.exitCode).toBe(3);
    expect(next.stderr).toMatch(/keys\.toml:3:\d+: /);
    expect(existsSync(join(home, "keys.toml"))).toBe(true);
  }));
