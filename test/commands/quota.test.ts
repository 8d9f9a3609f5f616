import { afterAll, expect, test } from "bun:test";
import { keysToml, tempMachine } from "./orouter.ts";

const SPENT = "secret-of-spent";
const GOOD = "secret-of-good";
const ODD = "secret-of-odd-one";

const RESET = Date.now() + 2 * 3_600_000;

const service = Bun.serve({
  port: 0,
  fetch: (req) => {
    const secret = req.headers.get("authorization")?.slice("Bearer ".length);
    if (secret === ODD) return new Response("<html>nothing</html>");
    const remaining = secret === SPENT ? 0 : 75;
    return Response.json({
      included: { session: { remaining_percent: remaining, resets_at: new Date(RESET).toISOString() } },
      purchased: { balance_usd: 0 },
    });
  },
});

afterAll(() => service.stop(true));

const CONFIG = `
[models_dev]
enabled = false
[providers.acme]
base_url = "http://127.0.0.1:${service.port}/v1"
quota = "ollama-cloud"
daily_budget = "5 requests"
`;

async function run(words: string[], config = CONFIG) {
  using machine = tempMachine();
  await machine.write("config.toml", config);
  const entry = (name: string, value: string) => ({ provider: "acme", name, value });
  await machine.write("keys.toml", keysToml(entry("spent", SPENT), entry("good", GOOD), entry("odd", ODD)));
  return await machine.run(words);
}

test("every key's windows are shown with a bar, the reset and the budget; what cannot be read says why", async () => {
  const { stdout, stderr, exitCode } = await run(["quota"]);
  expect([exitCode, stderr]).toEqual([0, ""]);
  const lines = stdout.split("\n").map((line) => line.replaceAll(/\s+/g, " "));
  expect(lines.find((line) => line.startsWith("acme/spent"))).toMatch(
    /^acme\/spent 5 h ━{12}┃━{7} 100 % used \S+( \S+)? \(in (2 h|1 h 60 m)\)/,
  );
  expect(lines.find((line) => line.startsWith("acme/good"))).toMatch(
    /^acme\/good 5 h ━{5}─{7}┃─{7} 25 % used/,
  );
  expect(stdout).toMatch(/your budget .* 0 requests of 5 requests used/);
  expect(stdout).not.toContain(GOOD);
});

test("as JSON what is not known is null", async () => {
  const { stdout, exitCode } = await run(["quota", "--json"]);
  expect(exitCode).toBe(0);
  const { keys } = JSON.parse(stdout);
  expect(
    keys.map((key: { name: string; state: string; why: string | null }) => [key.name, key.state, key.why]),
  ).toEqual([
    ["spent", "known", null],
    ["good", "known", null],
    ["odd", "unknown", "the reply is not JSON"],
  ]);
  expect(keys[0].windows[0]).toMatchObject({
    ...{
      window: "5 h",
      unit: "percent",
      used: 100,
      remaining: 0,
      usedShare: 1,
      resetsAt: RESET,
      limit: null,
    },
    ...{ dryAt: null, blocking: true, source: "provider" },
  });
});

test("with quota turned off no provider is asked", async () => {
  const { stdout } = await run(["quota", "--json"], `${CONFIG}\n[quota]\nenabled = false\n`);
  expect(JSON.parse(stdout).keys.map((key: { state: string }) => key.state)).toEqual(
    Array.from({ length: 3 }, () => "not-read"),
  );
});

test("--watch needs a terminal, and excludes --json", async () => {
  for (const words of [
    ["quota", "--watch"],
    ["quota", "--watch", "--json"],
  ])
    expect((await run(words)).exitCode).toBe(2);
});

test("doctor says which quota is unknown and why", async () => {
  const { stdout } = await run(["doctor", "--json"]);
  const checks = JSON.parse(stdout).checks.filter((one: { check: string }) => one.check === "quota");
  expect(checks.map((one: { level: string; what: string }) => [one.level, one.what])).toEqual([
    ["ok", "known of 2 keys"],
    ["note", "The quota of acme/odd is unknown: the reply is not JSON."],
  ]);
});
