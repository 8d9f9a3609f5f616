import { expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { keysToml, tempMachine } from "./orouter.ts";

const PATH = "/usr/bin:/bin";

async function machineWithKey() {
  const machine = tempMachine();
  const config =
    '[providers.own]\nbase_url = "http://127.0.0.1:9/v1"\nmodels = ["m"]\n[chains]\nmine = ["own/m"]\n';
  await machine.write("config.toml", config);
  await machine.write("keys.toml", keysToml({ provider: "own", name: "work", value: "secret-of-work" }));
  return machine;
}

test("any program gets the proxy in its variables, and its exit code comes back", async () => {
  using machine = await machineWithKey();
  const script =
    'echo "$OPENAI_BASE_URL $ANTHROPIC_BASE_URL $(printf %s "$OPENAI_API_KEY" | wc -c) $1"; env | grep -c secret; exit 7';
  const env = { PATH, ANTHROPIC_API_KEY: "secret-of-mine" };
  const run = await machine.run(["exec", "--", "sh", "-c", script, "sh", "--help"], { env });
  expect(run.exitCode).toBe(7);
  expect(run.stdout).toMatch(/^http:\/\/127\.0\.0\.1:(\d+)\/v1 http:\/\/127\.0\.0\.1:\1 43 --help\n0\n$/);
});

test("a program that is not there is named, and nothing is started", async () => {
  using machine = await machineWithKey();
  const run = await machine.run(["exec", "--", "no-such-program"], { env: { PATH } });
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toContain("no-such-program is not a program that can be run.");
  const bare = await machine.run(["exec"], { env: { PATH } });
  expect(bare.exitCode).toBe(2);
  const runs = machine.folder.in("run");
  expect(existsSync(runs) ? readdirSync(runs) : []).toEqual([]);
});
