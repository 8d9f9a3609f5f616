import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import type { Scene } from "../../src/demo/scenes.ts";
import { startUpstream, type Upstream } from "../../src/demo/upstream.ts";
import { createRunDir, RUN_FILES, type RunCard } from "../../src/harness/run/run-dir.ts";
import { keysToml, tempMachine } from "./orouter.ts";

type Machine = ReturnType<typeof tempMachine>;

const SILENT: Scene = {
  name: "silent",
  title: "",
  about: "",
  keys: [{ name: "work", secret: "secret-of-work" }],
  models: ["m"],
  reply: () => ({ kind: "hang" }),
};

async function configured(upstream: Upstream): Promise<Machine> {
  const machine = tempMachine();
  await machine.write(
    "config.toml",
    `[models_dev]\nenabled = false\n[providers.acme]\nbase_url = "${upstream.baseUrl}"\nmodels = ["m"]\n`,
  );
  await machine.write("keys.toml", keysToml({ provider: "acme", name: "work", value: "secret-of-work" }));
  return machine;
}

/** A running `orouter serve`, and the line it prints when it accepts connections. */
async function serving(machine: Machine) {
  const child = Bun.spawn(machine.command(["serve", "--json"]), {
    env: machine.env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  const { value } = await child.stdout.getReader().read();
  const { url, token } = JSON.parse(new TextDecoder().decode(value)) as { url: string; token: string };
  return { child, url, token };
}

async function statusOf(machine: Machine) {
  const run = await machine.run(["status", "--json"]);
  return JSON.parse(run.stdout) as {
    runs: { what: string; pid: number; inFlight: number | null; waiting: number | null }[];
    keys: { name: string; fingerprint: string; enabled: boolean; inFlight: number; switchedIn: number[] }[];
  };
}

test("a proxy that serves is shown with what it has to do, and nothing of it is left at its end", async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const upstream = await startUpstream(SILENT, { onReply: (call) => call.model === "m" && resolve() });
  using machine = await configured(upstream);
  const { child, url, token } = await serving(machine);
  const answer = fetch(`${url}/acme/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "m", stream: true, messages: [] }),
  }).catch(() => {});
  await asked;

  const { runs, keys } = await statusOf(machine);
  expect(runs).toEqual([expect.objectContaining({ what: "serve", pid: child.pid, inFlight: 1, waiting: 0 })]);
  expect(keys).toEqual([expect.objectContaining({ name: "work", inFlight: 1 })]);

  const table = await machine.run(["status"]);
  expect(table.stdout).toContain("1 run");
  expect(table.stdout).toMatch(new RegExp(`^serve +${child.pid} `, "m"));
  expect(table.stdout + table.stderr).not.toContain(token);

  child.kill("SIGINT");
  expect(await child.exited).toBe(0);
  await answer;
  expect(existsSync(machine.file("run"))).toBe(false);
  expect((await statusOf(machine)).runs).toEqual([]);
  await upstream.stop();
});

test("a key that is switched in a run alone is told, and the file says what it said", async () => {
  const upstream = await startUpstream(SILENT);
  using machine = await configured(upstream);
  const { child, url, token } = await serving(machine);
  const [before] = (await statusOf(machine)).keys;
  expect(before).toMatchObject({ enabled: true, switchedIn: [] });
  await fetch(`${url}/_orouter/keys/${before?.fingerprint}/disable`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
  });
  expect((await statusOf(machine)).keys).toMatchObject([{ enabled: true, switchedIn: [child.pid] }]);
  expect((await machine.run(["status"])).stdout).toContain(`ready, off in ${child.pid}`);
  child.kill("SIGINT");
  expect(await child.exited).toBe(0);
  await upstream.stop();
});

test("a run that does not answer is said to, and is no error", async () => {
  using machine = tempMachine();
  const run = createRunDir(machine.file("run"));
  const card: RunCard = {
    what: "opencode",
    // Nothing listens on this port.
    url: "http://127.0.0.1:9",
    pid: process.pid,
    sinceMs: Date.now(),
    folder: "/some/\u001b[31mplace",
  };
  run.write(RUN_FILES.token, "t");
  run.write(RUN_FILES.card, JSON.stringify(card));
  expect((await statusOf(machine)).runs).toEqual([
    expect.objectContaining({ what: "opencode", inFlight: null, waiting: null }),
  ]);
  const { stdout, exitCode } = await machine.run(["status"]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("no answer");
  expect(stdout).toBe(Bun.stripANSI(stdout));
  run.remove();
});

test("serving goes on where no folder can be made for its card", async () => {
  const upstream = await startUpstream(SILENT);
  using machine = await configured(upstream);
  await machine.write("run", "a file in its place");
  const { child, url } = await serving(machine);
  expect((await fetch(`${url}/_orouter/health`)).status).toBe(401);
  child.kill("SIGINT");
  expect(await child.exited).toBe(0);
  await upstream.stop();
});
