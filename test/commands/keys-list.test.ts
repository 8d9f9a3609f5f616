import { expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { fingerprint } from "../../src/core/key.ts";
import { modeOf } from "../config/temp-folder.ts";
import { keysToml, tempMachine } from "./orouter.ts";

const TOML = keysToml(
  { provider: "nvidia", name: "work", value: "secret-of-work" },
  { provider: "nvidia", name: "spare", env: "SPARE_KEY", enabled: false },
  { provider: "groq", name: "gone", env: "NOT_SET_ANYWHERE" },
);
const ENV = { SPARE_KEY: "secret-of-spare", OLLAMA_API_KEY_2: "secret-of-env" };

async function machineWithKeys() {
  const machine = tempMachine();
  await machine.write("keys.toml", TOML);
  await Bun.write(
    machine.folder.in("data/opencode/auth.json"),
    JSON.stringify({ groq: { type: "api", key: "secret-of-opencode" } }),
  );
  return machine;
}

test("every key is listed with its source, wherever it comes from", async () => {
  using machine = await machineWithKeys();
  const run = await machine.run(["keys", "list", "--json"], { env: ENV });
  expect(run.exitCode).toBe(0);
  const file = machine.file("keys.toml");
  expect(JSON.parse(run.stdout)).toEqual({
    keys: [
      {
        provider: "nvidia",
        name: "work",
        fingerprint: fingerprint("secret-of-work"),
        source: "keys.toml",
        from: file,
        enabled: true,
      },
      {
        provider: "nvidia",
        name: "spare",
        fingerprint: fingerprint("secret-of-spare"),
        source: "keys.toml",
        from: "SPARE_KEY",
        enabled: false,
      },
      {
        provider: "groq",
        name: "gone",
        fingerprint: null,
        source: "keys.toml",
        from: "NOT_SET_ANYWHERE",
        enabled: true,
      },
      {
        provider: "ollama-cloud",
        name: "OLLAMA_API_KEY_2",
        fingerprint: fingerprint("secret-of-env"),
        source: "environment",
        from: "OLLAMA_API_KEY_2",
        enabled: true,
      },
      {
        provider: "groq",
        name: "opencode",
        fingerprint: fingerprint("secret-of-opencode"),
        source: "auth.json",
        from: machine.folder.in("data/opencode/auth.json"),
        enabled: true,
      },
    ],
  });
});

test("the table says the same, without a secret and without colour", async () => {
  using machine = await machineWithKeys();
  const { stdout, stderr, exitCode } = await machine.run(["keys", "list"], { env: ENV });
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/nvidia +work +[0-9a-f]{12} +keys\.toml +- +enabled/);
  expect(stdout).toMatch(/nvidia +spare +[0-9a-f]{12} +keys\.toml +SPARE_KEY +disabled/);
  expect(stdout).toMatch(/groq +gone +- +keys\.toml +NOT_SET_ANYWHERE +no secret/);
  expect(stdout).toBe(Bun.stripANSI(stdout));
  expect(stdout + stderr).not.toContain("secret-of-");
  // The reason for a missing secret goes to stderr, not into the data.
  expect(stderr).toContain("NOT_SET_ANYWHERE is not set");
});

test("keys alone is the list", async () => {
  using machine = await machineWithKeys();
  const alone = await machine.run(["keys"], { env: ENV });
  const list = await machine.run(["keys", "list"], { env: ENV });
  expect(alone).toEqual(list);
  expect((await machine.run(["keys", "--json"], { env: ENV })).stdout).toContain('"keys"');
});

test("a file that others can read is closed, and that is said once", async () => {
  using machine = await machineWithKeys();
  chmodSync(machine.file("keys.toml"), 0o644);
  expect((await machine.run(["keys"])).stderr).toContain("mode 0600");
  expect(modeOf(machine.file("keys.toml"))).toBe(0o600);
  expect((await machine.run(["keys"])).stderr).not.toContain("mode 0600");
});

test("a provider narrows the list; one that nobody knows is told the nearest", async () => {
  using machine = await machineWithKeys();
  const run = await machine.run(["keys", "list", "groq", "--json"], { env: ENV });
  const { keys } = JSON.parse(run.stdout) as { keys: { provider: string }[] };
  expect(keys.map((key) => key.provider)).toEqual(["groq", "groq"]);
  const unknown = await machine.run(["keys", "list", "grok"]);
  expect(unknown.exitCode).toBe(2);
  expect(unknown.stderr).toContain("Did you mean groq?");
});

test("without any key it says how to add one, and scripts get an empty list", async () => {
  using machine = tempMachine();
  const run = await machine.run(["keys", "list"]);
  expect(run).toMatchObject({ exitCode: 0, stdout: "" });
  expect(run.stderr).toContain("orouter keys add");
  expect(JSON.parse((await machine.run(["keys", "list", "--json"])).stdout)).toEqual({ keys: [] });
});
