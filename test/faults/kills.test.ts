import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { e2eMachine, standIn } from "../e2e/machine.ts";
import { SERVED_MODEL, until } from "../e2e/serve-process.ts";
import { startWith, writeHome } from "./fault-world.ts";
import { startRawUpstream } from "./raw-upstream.ts";
import { answer, chunk, EVENTS, SSE_HEAD } from "./wire.ts";

type Machine = ReturnType<typeof e2eMachine>;

const RUN = ["opencode", "run", "-m", `ollama-cloud/${SERVED_MODEL}`, "hi"];
const KEY = { name: "only", secret: "secret-only" };

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function childrenOf(pid: number): { pid: number; command: string }[] {
  const lines = Bun.spawnSync(["ps", "-e", "-o", "pid=,ppid=,args="]).stdout.toString().split("\n");
  return lines.flatMap((line) => {
    const [, own, parent, command = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(parent) === pid ? [{ pid: Number(own), command }] : [];
  });
}

const runFolders = (machine: Machine): string[] => {
  const root = join(machine.runtime, "orouter");
  return existsSync(root) ? readdirSync(root) : [];
};

/** The next run works and removes what the killed one left. */
async function expectNextRunIsFine(machine: Machine): Promise<void> {
  const next = await machine.orouter(["opencode", "run"], { env: standIn(machine, "echo fine") });
  expect(next).toEqual({ stdout: "fine\n", stderr: "", exitCode: 0 });
  expect(machine.leftovers()).toEqual([]);
  const file = join(machine.home, ".local/state/orouter/state.db");
  if (!existsSync(file)) return;
  using db = new Database(file, { readonly: true });
  expect(db.query("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
}

/** The process that is killed in the middle of an answer. */
const VICTIMS: { isOrouter: boolean; isOpencode: boolean }[] = [
  { isOrouter: true, isOpencode: true },
  // Each case runs the real opencode, so the short form keeps only the hardest.
  ...(process.env["OROUTER_FAULTS"] === "long"
    ? [
        { isOrouter: true, isOpencode: false },
        { isOrouter: false, isOpencode: true },
      ]
    : []),
];

test("kill -9 of orouter, of opencode or of both in mid-answer ends the call and leaves nothing behind", async () => {
  await Promise.all(
    VICTIMS.map(async ({ isOrouter, isOpencode }) => {
      const upstream = await startRawUpstream({
        onCall: ({ socket }) => void socket.write(SSE_HEAD + EVENTS.slice(0, 4).map(chunk).join("")),
      });
      using machine = e2eMachine();
      try {
        machine.configure(upstream.baseUrl, [KEY]);
        const child = machine.startOrouter(RUN);
        const stderr = child.stderr.text();
        await until("opencode to ask", () => upstream.calls.length > 0, 100_000);
        const opencode = childrenOf(child.pid).find(({ command }) => command.includes("hi"));
        if (opencode === undefined) throw new Error("opencode is not there");
        if (isOrouter) child.kill("SIGKILL");
        if (isOpencode) process.kill(opencode.pid, "SIGKILL");
        await child.exited;
        await until("opencode to be gone", () => !isAlive(opencode.pid), 20_000);
        await until("its calls to be over", () => upstream.calls.every(({ socket }) => socket.destroyed));
        await until("its run folder to be gone", () => runFolders(machine).length === 0, 20_000);
        // The exit code of an opencode that was killed, as a shell reports it.
        if (!isOrouter) expect([child.exitCode, child.signalCode]).toEqual([null, "SIGKILL"]);
        if (isOrouter) expect(await stderr).toContain("orouter was killed, so opencode was stopped");
        await expectNextRunIsFine(machine);
      } finally {
        await upstream.stop();
      }
    }),
  );
}, 180_000);

test("kill -9 of orouter and of the guard beside it ends opencode, with a message", async () => {
  using machine = e2eMachine();
  const pidFile = machine.folder.in("pid");
  const script = `echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; exec sleep 100`;
  const child = machine.startOrouter(["opencode", "run"], { env: standIn(machine, script) });
  const stderr = child.stderr.text();
  await until("opencode to run", () => existsSync(pidFile));
  const agent = Number(readFileSync(pidFile, "utf8"));
  const guards = (): number[] =>
    childrenOf(child.pid)
      .filter(({ command }) => command.includes("orouter-guard"))
      .map(({ pid }) => pid);
  await until("its guard to run", () => guards().length === 1);
  // Stop all processes with our name first, so that none can see another die.
  const all = [child.pid, ...guards()];
  for (const signal of ["SIGSTOP", "SIGKILL"]) for (const pid of all) process.kill(pid, signal);
  await child.exited;
  await until("opencode to be gone", () => !isAlive(agent), 20_000);
  expect(await stderr).toContain("orouter was killed, so opencode was stopped");
  await until("its run folder to be gone", () => runFolders(machine).length === 0, 20_000);
  await expectNextRunIsFine(machine);
}, 60_000);

test("kill -9 of orouter at any moment of its start and end leaves nothing that the next start does not sweep", async () => {
  const upstream = await startRawUpstream({ onCall: ({ socket }) => answer(socket) });
  using machine = e2eMachine();
  try {
    machine.configure(upstream.baseUrl, [KEY]);
    const pids = machine.folder.in("pids");
    // Shorter than the test, so that an unguarded one ends by itself.
    const env = standIn(machine, `echo $$ >> ${pids}; sleep 0.15`);
    const moments = Array.from({ length: 20 }, (_, index) => index * 12);
    for (const ms of moments) {
      const child = machine.startOrouter(["opencode", "run"], { env });
      await Bun.sleep(ms);
      child.kill("SIGKILL");
      await child.exited;
    }
    const started = (): number[] => {
      if (!existsSync(pids)) return [];
      return readFileSync(pids, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map(Number);
    };
    await until("all that were started to be gone", () => !started().some(isAlive), 20_000);
    await expectNextRunIsFine(machine);
  } finally {
    await upstream.stop();
  }
}, 60_000);

test("kill -9 of orouter serve while it writes its state loses no more than the last moments", async () => {
  const upstream = await startRawUpstream({ onCall: ({ socket }) => answer(socket) });
  using machine = e2eMachine();
  try {
    const home = writeHome(machine, upstream.baseUrl, {});
    let least = 0;
    for (let round = 0; round < 3; round++) {
      const serve = await startWith(machine, home, {});
      for (let nth = 0; nth < 30; nth++) await (await serve.ask(`${round}-${nth}`)).text();
      await until("the first of them to be written", () => countWritten(home) > least);
      least = countWritten(home);
      const more = Promise.allSettled(Array.from({ length: 30 }, (_, nth) => serve.ask(`${round}+${nth}`)));
      serve.kill("SIGKILL");
      await Promise.all([serve.ended(), more]);
      expect(countWritten(home)).toBeGreaterThanOrEqual(least);
    }
  } finally {
    await upstream.stop();
  }
});

function countWritten(home: string): number {
  using db = new Database(join(home, "state.db"), { readonly: true });
  expect(db.query("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  return db.query<{ n: number }, []>("SELECT count(*) AS n FROM requests").get()?.n ?? 0;
}
