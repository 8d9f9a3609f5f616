import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { e2eMachine, standIn } from "./machine.ts";

test("a project's bunfig.toml and .env mean nothing to orouter", async () => {
  using machine = e2eMachine();
  machine.write("home/.config/orouter/config.toml", "");
  const marker = machine.folder.in("preloaded");
  machine.write("project/bunfig.toml", 'preload = ["./preload.ts"]\n');
  machine.write("project/preload.ts", `await Bun.write(${JSON.stringify(marker)}, "x");\n`);
  machine.write("project/.env", "OLLAMA_API_KEY=secret-of-a-project\n");
  const run = await machine.orouter(["keys", "list", "--json"]);
  expect(run.exitCode).toBe(0);
  expect(JSON.parse(run.stdout)).toEqual({ keys: [] });
  expect(existsSync(marker)).toBe(false);
});

test("without a key and without a terminal it ends with 4 and the ways to a key", async () => {
  using machine = e2eMachine();
  machine.write("home/.config/orouter/config.toml", "");
  const run = await machine.orouter(["opencode", "run", "hi"], { env: standIn(machine, "echo ran") });
  expect(run.exitCode).toBe(4);
  expect(run.stdout).toBe("");
  expect(run.stderr).toContain("orouter keys add");
});

test("a missing opencode is said with the way to get it", async () => {
  using machine = e2eMachine();
  const run = await machine.orouter(["opencode"], {
    env: { PATH: "/usr/bin:/bin", OLLAMA_API_KEY: "a-secret" },
  });
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toContain("npm install -g @opencode/cli");
  expect(run.stderr).toContain("npm install -g opencode-ai");
});
