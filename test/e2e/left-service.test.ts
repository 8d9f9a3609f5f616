import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { boundedRun } from "./bounded-run.ts";
import { e2eMachine } from "./machine.ts";
import { LIMIT_MS, type Machine, onStage, RUN, scenario, sceneWithKeys } from "./scenario.ts";

/** Only opencode 2 has a background service. */
const SECOND = { majors: [2] } as const;
const FINE = sceneWithKeys(["only"], () => ({ kind: "answer", text: "All is well." }));

/** The default port is shared by all users of a machine. */
function freePort(): number {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port } = server;
  server.stop(true);
  if (port === undefined) throw new Error("no port is free");
  return port;
}

/** Starts opencode's background service as its clients do, with these variables. */
async function startService(machine: Machine, env: Record<string, string>): Promise<number> {
  machine.write("home/.config/opencode/service.json", JSON.stringify({ port: freePort() }));
  const started = await machine.opencode(["service", "start"], { env });
  expect(started.exitCode).toBe(0);
  const [pid] = machine.services();
  if (pid === undefined) throw new Error("the service has not registered itself");
  return pid;
}

/** What an earlier orouter left in the service that its first run started. */
const POISON = {
  OROUTER_RUN_ID: "run-123-abc",
  OPENCODE_CONFIG_CONTENT: JSON.stringify({
    $schema: "https://opencode.ai/config.json",
    "x-orouter": { run: "run-123-abc" },
    provider: { "ollama-cloud": { options: { baseURL: "http://127.0.0.1:9/ollama-cloud/v1" } } },
  }),
};

interface Check {
  check: string;
  level: string;
  what: string;
  fix: string | null;
}

async function checks(machine: Machine, ...words: string[]): Promise<Check[]> {
  const run = await boundedRun(machine, ["doctor", "--offline", "--json", ...words], { limitMs: LIMIT_MS });
  return (JSON.parse(run.stdout) as { checks: Check[] }).checks.filter(
    ({ check }) => check === "opencode service",
  );
}

function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "";
  } catch {
    return false;
  }
}

for (const [name, env] of [
  ["the id of a run", { OROUTER_RUN_ID: POISON.OROUTER_RUN_ID }],
  ["the configuration of a run", { OPENCODE_CONFIG_CONTENT: POISON.OPENCODE_CONFIG_CONTENT }],
] as const) {
  scenario(
    `doctor finds a service with ${name} in it and has it stopped`,
    async (program) => {
      using machine = e2eMachine(program);
      const pid = await startService(machine, env);
      const [found] = await checks(machine);
      expect(found).toMatchObject({ level: "wrong", fix: "orouter doctor --fix, or: opencode service stop" });
      expect(found?.what).toContain(`pid ${pid}`);
      expect(isAlive(pid)).toBe(true);
      expect(await checks(machine, "--fix")).toMatchObject([{ level: "ok" }]);
      expect(isAlive(pid)).toBe(false);
      expect(machine.services()).toEqual([]);
      expect(await checks(machine)).toEqual([]);
    },
    SECOND,
  );
}

scenario(
  "the user's own service is fine and stays",
  async (program) => {
    using machine = e2eMachine(program);
    const pid = await startService(machine, {});
    expect(await checks(machine, "--fix")).toEqual([]);
    expect(machine.services()).toEqual([pid]);
    expect(isAlive(pid)).toBe(true);
  },
  SECOND,
);

scenario(
  "a run beside a service that was left says so, and works",
  (program) =>
    onStage(program, FINE, "", async (machine) => {
      const pid = await startService(machine, POISON);
      const run = await boundedRun(machine, [...RUN, "hello"], { limitMs: LIMIT_MS });
      expect(run).toMatchObject({ exitCode: 0, stdout: "All is well.\n" });
      expect(run.stderr).toContain(`(pid ${pid}) was started within a run of orouter`);
      expect(run.stderr).toContain("[orouter] To stop it: opencode service stop");
      expect(machine.services()).toEqual([pid]);
      await machine.opencode(["service", "stop"]);
      const after = await boundedRun(machine, [...RUN, "hello"], { limitMs: LIMIT_MS });
      expect(after.stderr).not.toContain("service");
    }),
  SECOND,
);
