import { expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRunDir } from "../../src/harness/run/run-dir.ts";
import { keysToml, tempMachine } from "./orouter.ts";

const SECRET = "secret-of-work";

interface Check {
  check: string;
  level: "ok" | "note" | "wrong";
  what: string;
  fix: string | null;
}

function provider() {
  const seen: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (req) => {
      seen.push(`${req.method} ${new URL(req.url).pathname}`);
      if (req.headers.get("authorization") !== `Bearer ${SECRET}`)
        return Response.json({ error: { message: `bad key ${SECRET}` } }, { status: 401 });
      return Response.json({ data: [{ id: "m" }] });
    },
  });
  return { url: `${server.url.origin}/v1`, seen, [Symbol.dispose]: () => void server.stop(true) };
}

/** A machine without problems, unless a test adds one. */
async function soundMachine(baseUrl: string, version = "1.18.33") {
  const machine = tempMachine();
  await machine.write(
    "config.toml",
    `[providers.own]\nbase_url = "${baseUrl}"\n[chains]\nmine = ["own/m"]\n`,
  );
  await machine.write("keys.toml", keysToml({ provider: "own", name: "work", value: SECRET }));
  const opencode = machine.folder.in("opencode");
  await Bun.write(opencode, `#!/bin/sh\necho ${version}\n`);
  chmodSync(opencode, 0o755);
  const env = { OROUTER_OPENCODE: opencode, PATH: "/usr/bin:/bin" };
  const doctor = async (...words: string[]) => {
    const run = await machine.run(["doctor", "--json", ...words], { env });
    expect(run.stdout + run.stderr).not.toContain(SECRET);
    const { ok, checks } = JSON.parse(run.stdout) as { ok: boolean; checks: Check[] };
    expect(run.exitCode).toBe(ok ? 0 : 1);
    return { ok, checks, wrong: checks.filter(({ level }) => level === "wrong") };
  };
  return { ...machine, env, doctor, [Symbol.dispose]: () => machine[Symbol.dispose]() };
}

test("where config.toml is wrong no key is sent anywhere: its address may stand there", async () => {
  using proxy = provider();
  using machine = await soundMachine("http://127.0.0.1:9/v1");
  await machine.write("config.toml", '[providers.nvidia]\nbase_url = "http://127.0.0.1:9/v1"\n[routing\n');
  await machine.write("keys.toml", keysToml({ provider: "nvidia", name: "work", value: SECRET }));
  const env = { ...machine.env, HTTPS_PROXY: new URL(proxy.url).origin };
  const run = await machine.run(["doctor"], { env });
  expect(run.exitCode).toBe(1);
  expect(run.stdout).toMatch(/^note +providers +not asked: config.toml may have their addresses$/m);
  expect(run.stdout).not.toContain("provider nvidia");
  expect(proxy.seen).toEqual([]);
});

test("on a sound machine every check is ok, and each provider is asked once", async () => {
  using own = provider();
  using machine = await soundMachine(own.url);
  const { ok, checks, wrong } = await machine.doctor();
  expect(wrong).toEqual([]);
  expect(ok).toBe(true);
  expect(new Set(checks.map(({ check }) => check))).toEqual(
    new Set([
      "opencode",
      "config.toml",
      "keys.toml",
      "keys",
      "addresses",
      "provider own",
      "clock",
      "chains",
      "opencode's config",
      "plugin",
      "proxy variables",
      "state",
      "cache",
      "runs",
    ]),
  );
  expect(own.seen).toEqual(["GET /v1/models"]);
  // doctor creates no file.
  expect(existsSync(machine.file("state.db"))).toBe(false);
});

test("the text says the same, each fault with what mends it, and exits with 1", async () => {
  using own = provider();
  using machine = await soundMachine(own.url, "0.4.1");
  const run = await machine.run(["doctor"], { env: machine.env });
  expect(run.exitCode).toBe(1);
  expect(run.stdout).toMatch(
    /^wrong +opencode +0\.4\.1 at .* is too old for orouter\.\n +→ Update it: opencode upgrade/,
  );
  expect(run.stdout).toMatch(/^ok +keys +1 of 1 ready/m);
  expect(run.stderr).toContain("1 problem");
  expect(run.stdout).toBe(Bun.stripANSI(run.stdout));
});

test("--offline asks nobody", async () => {
  using own = provider();
  using machine = await soundMachine(own.url);
  expect((await machine.doctor("--offline")).ok).toBe(true);
  expect(own.seen).toEqual([]);
});

type Sound = Awaited<ReturnType<typeof soundMachine>>;

test.each<[name: string, spoil: (machine: Sound) => unknown, check: string, what: string, fix: string]>([
  [
    "a config.toml with a wrong value",
    (machine) => machine.write("config.toml", '[routing]\nstrategy = "best"\n'),
    "config.toml",
    "config.toml:2:",
    "in an editor",
  ],
  [
    "a keys.toml that does not parse",
    (machine) => machine.write("keys.toml", "[[keys]\n"),
    "keys.toml",
    "keys.toml:1:",
    "in an editor",
  ],
  [
    "no key at all",
    async (machine) => {
      await machine.write("config.toml", "");
      await machine.write("keys.toml", "");
    },
    "keys",
    "No API keys found",
    "orouter keys add",
  ],
  [
    "a keys.toml that others can read",
    (machine) => chmodSync(machine.file("keys.toml"), 0o644),
    "keys.toml",
    "could be read by others",
    "new keys",
  ],
  [
    "a key that the provider refuses",
    (machine) =>
      machine.write("keys.toml", keysToml({ provider: "own", name: "old", value: "another-secret" })),
    "provider own",
    "refuses the key own/old (401)",
    "orouter keys test",
  ],
  [
    "a provider that is not there",
    (machine) => machine.write("config.toml", '[providers.own]\nbase_url = "http://127.0.0.1:9/v1"\n'),
    "provider own",
    "cannot be used",
    "base_url",
  ],
  [
    "a folder in the state file's place",
    (machine) => mkdirSync(machine.file("state.db")),
    "state",
    "cannot be used",
    "",
  ],
  [
    "an auth.json that others can read",
    async (machine) => {
      await Bun.write(machine.folder.in("data/opencode/auth.json"), "{}");
      chmodSync(machine.folder.in("data/opencode/auth.json"), 0o644);
    },
    "opencode's keys",
    "others can read it",
    "chmod 600",
  ],
])("%s is found, with what mends it", async (_name, spoil, check, what, fix) => {
  using own = provider();
  using machine = await soundMachine(own.url);
  await spoil(machine);
  const { wrong } = await machine.doctor();
  const found = wrong.find((one) => one.check === check);
  expect(found?.what).toContain(what);
  expect(found?.fix).toContain(fix);
});

test("a missing opencode is found", async () => {
  using own = provider();
  using machine = await soundMachine(own.url);
  const run = await machine.run(["doctor", "--json", "--offline"], {
    env: { ...machine.env, OROUTER_OPENCODE: "" },
  });
  expect(run.exitCode).toBe(1);
  expect(JSON.parse(run.stdout).checks[0]).toMatchObject({
    check: "opencode",
    level: "wrong",
    what: expect.stringContaining("not on your PATH"),
    fix: expect.stringContaining("npm install -g @opencode/cli"),
  });
});

test("keys in the files of older tools are counted, those we know left out", async () => {
  using own = provider();
  using machine = await soundMachine(own.url);
  const config = (name: string) => machine.folder.in(`.config/opencode/${name}`);
  await Bun.write(
    config("ollama-router.json"),
    JSON.stringify({ keys: ["seed-one", SECRET, "your-ollama-api-key-1"] }),
  );
  await Bun.write(
    config("nim-rotator-keys.json"),
    JSON.stringify({ keys: [{ key: "seed-two" }, { key: "seed-three" }] }),
  );
  chmodSync(config("ollama-router.json"), 0o644);
  chmodSync(config("nim-rotator-keys.json"), 0o600);
  const { checks } = await machine.doctor();
  const older = checks.filter(({ check }) => check === "older tools");
  expect(older.map(({ level }) => level)).toEqual(["wrong", "note", "note"]);
  expect(older[0]?.fix).toBe(`chmod 600 ${config("ollama-router.json")}`);
  expect(older[1]?.what).toContain("has 1 key");
  expect(older[2]?.what).toContain("has 2 keys");
  expect(JSON.stringify(checks)).not.toMatch(/seed-(one|two|three)/);
});

test("what a crashed run left is told, what a living one uses is not", async () => {
  using own = provider();
  using machine = await soundMachine(own.url);
  const running = createRunDir(machine.file("run"));
  expect((await machine.doctor("--offline")).checks.filter(({ check }) => check === "runs")).toHaveLength(1);
  const dead = `run-${"a".repeat(22)}`;
  mkdirSync(machine.file(`run/${dead}`));
  writeFileSync(machine.file(`run/${dead}/lock`), "");
  const runs = (await machine.doctor("--offline")).checks.filter(({ check }) => check === "runs");
  expect(runs.map(({ level }) => level)).toEqual(["ok", "note"]);
  expect(runs[1]?.fix).toContain(dead);
  running.remove();
});

test("another agent is checked where it is installed, and missed only where its program is named", async () => {
  using own = provider();
  using machine = await soundMachine(own.url);
  const codex = machine.folder.in("codex");
  await Bun.write(codex, "#!/bin/sh\necho codex-cli 0.9.1\n");
  chmodSync(codex, 0o755);
  const look = async (env: Record<string, string>) => {
    const run = await machine.run(["doctor", "--json", "--offline"], { env: { ...machine.env, ...env } });
    const { checks } = JSON.parse(run.stdout) as { checks: Check[] };
    return checks.flatMap(({ check, level, what }) =>
      ["claude", "codex", "kilo"].includes(check) ? [`${check} ${level}: ${what}`] : [],
    );
  };
  expect(await look({})).toEqual([]);
  expect(await look({ OROUTER_CODEX: codex })).toEqual([
    `codex wrong: 0.9.1 at ${codex} is too old for orouter.`,
  ]);
  expect(await look({ OROUTER_CLAUDE: "/nowhere/claude" })).toEqual([
    "claude wrong: OROUTER_CLAUDE names /nowhere/claude, which is not a program that can be run.",
  ]);
});
