import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, watch, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { modeOf } from "../config/temp-folder.ts";
import { answerInTerminal } from "./answer-in-terminal.ts";
import { keysToml, tempMachine } from "./orouter.ts";

type Machine = ReturnType<typeof tempMachine>;

const ROUTER = {
  providerId: "ollama-router",
  maxRetries: 2,
  failWindowMs: 7_200_000,
  keys: ["secret-ollama-1", "your-ollama-api-key-2", "secret-ollama-2"],
};
const MULTI_AUTH = `{
  // mine
  "provider": { "mock": { "options": { "baseURL": "http://127.0.0.1:11435/v1" } } },
  "plugin": [
    ["opencode-ollama-multi-auth", { "ollamaMultiAuth": { "keys": ["secret-ollama-2", "secret-ollama-3"], "maxRetries": 5 } }],
    ["opencode-ollama-multi-auth", { "ollamaMultiAuth": { "providerId": "mock", "keys": ["secret-mock-1"] } }],
  ],
}`;
const NIM = {
  keys: [
    { id: "1", name: "work key", key: "secret-nim-1", enabled: true },
    { id: "2", name: "spare", key: "secret-nim-2", enabled: false },
  ],
  rotationStrategy: "round-robin",
  maxRateLimitFailures: 5,
  fallbackChain: [{ id: "openai/gpt-oss-120b" }],
};

const FILES = {
  ".config/opencode/ollama-router.json": JSON.stringify(ROUTER),
  ".config/opencode/opencode.jsonc": MULTI_AUTH,
  ".config/opencode/nim-rotator-keys.json": JSON.stringify(NIM),
  "data/opencode/auth.json": JSON.stringify({ groq: { type: "api", key: "secret-groq-1" } }),
};

function usedMachine(): Machine {
  const machine = tempMachine();
  for (const [name, text] of Object.entries(FILES)) put(machine, name, text);
  return machine;
}

function put({ folder }: Machine, name: string, text: string): string {
  mkdirSync(dirname(folder.in(name)), { recursive: true });
  writeFileSync(folder.in(name), text, { mode: 0o600 });
  return folder.in(name);
}

interface Summary {
  added: { provider: string; name: string; enabled: boolean }[];
  known: unknown[];
  twice: unknown[];
  leftOut: string[];
  settings: { path: string }[];
  offered: { path: string }[];
}

async function summary(machine: Machine, words: readonly string[]): Promise<Summary> {
  const run = await machine.run(["keys", "import", "--json", ...words]);
  expect(run.exitCode).toBe(0);
  expect(run.stdout + run.stderr).not.toContain("secret-");
  return JSON.parse(run.stdout) as Summary;
}

async function keysOf(machine: Machine): Promise<unknown> {
  return Bun.TOML.parse(await machine.read("keys.toml"));
}

test("--all takes what every tool has kept, each secret once, and leaves their files as they were", async () => {
  using machine = usedMachine();
  const found = await summary(machine, ["--all"]);
  expect(found.added.map(({ provider, name, enabled }) => `${provider}/${name} ${enabled}`)).toEqual([
    "ollama-cloud/key-1 true",
    "ollama-cloud/key-2 true",
    "ollama-cloud/key-3 true",
    "mock/key-1 true",
    "nvidia/work-key true",
    "nvidia/spare false",
    "groq/opencode true",
  ]);
  expect(found.twice).toEqual([{ provider: "ollama-cloud", name: "key-2" }]);
  expect(found.leftOut.join()).toContain("Key 2 of 3 is left out");
  expect(modeOf(machine.file("keys.toml"))).toBe(0o600);
  // An unknown provider is added with its keys; other settings need --settings.
  expect(await machine.read("config.toml")).toContain(
    '[providers.mock]\nbase_url = "http://127.0.0.1:11435/v1"',
  );
  expect(await machine.read("config.toml")).not.toContain("routing");
  for (const [name, text] of Object.entries(FILES))
    expect(readFileSync(machine.folder.in(name), "utf8")).toBe(text);
  const again = await summary(machine, ["--all"]);
  expect(again.added).toEqual([]);
  expect(again.known).toHaveLength(7);
});

test.each<[tool: string, keys: string[]]>([
  ["ollama-router", ["secret-ollama-1", "secret-ollama-2"]],
  ["multi-auth", ["secret-ollama-2", "secret-ollama-3", "secret-mock-1"]],
  ["nim-rotator", ["secret-nim-1", "secret-nim-2"]],
  ["auth", ["secret-groq-1"]],
])("--from %s takes what it has, and nothing else", async (tool, keys) => {
  using machine = usedMachine();
  await summary(machine, ["--from", tool]);
  const text = await machine.read("keys.toml");
  expect([...text.matchAll(/value = "(.*)"/g)].map(([, secret]) => secret ?? "")).toEqual(keys);
});

test.each<[file: string, keys: number]>([
  [".config/opencode/ollama-router.json", 2],
  [".config/opencode/opencode.jsonc", 3],
  [".config/opencode/nim-rotator-keys.json", 2],
  ["data/opencode/auth.json", 1],
])("%s is known by its content, whatever it is called", async (file, keys) => {
  using machine = tempMachine();
  const named = put(machine, "backup.txt", FILES[file as keyof typeof FILES]);
  expect((await summary(machine, [named])).added).toHaveLength(keys);
});

test("the environment's keys are taken under their variables' names", async () => {
  using machine = tempMachine();
  const env = { GROQ_API_KEY: "secret-groq-1", GROQ_API_KEY_2: "secret-groq-2" };
  const run = await machine.run(["keys", "import", "--from", "env"], { env });
  expect(run.stderr).toContain("Added groq/GROQ_API_KEY_2");
  expect(await machine.read("keys.toml")).toContain('value = "secret-groq-2"');
});

test("--settings brings strategy, window, tries, threshold and chain, and comments stay", async () => {
  using machine = usedMachine();
  const mine = '# mine\n[routing]\nstrategy = "random" # for now\n\n# the end\n';
  await machine.write("config.toml", mine);
  const found = await summary(machine, ["--all", "--settings"]);
  expect(found.settings.map(({ path }) => path)).toEqual([
    "routing.tries_per_key",
    "routing.fail_window",
    "routing.strategy",
    "routing.rate_limit_threshold",
    "chains.nim",
  ]);
  const text = await machine.read("config.toml");
  for (const line of [
    "# mine",
    'strategy = "round-robin" # for now',
    'fail_window = "2h"',
    "tries_per_key = 2",
    "rate_limit_threshold = 5",
    'nim = ["nvidia/openai/gpt-oss-120b"]',
    "# the end",
  ])
    expect(text).toContain(line);
  expect((await machine.run(["config", "check"])).exitCode).toBe(0);
  expect((await summary(machine, ["--all", "--settings"])).settings).toEqual([]);
});

test("without --settings the settings that came along are named", async () => {
  using machine = usedMachine();
  const run = await machine.run(["keys", "import", "--from", "nim-rotator"]);
  expect(run.stderr).toContain('routing.strategy = "round-robin" (now "auto")');
  expect((await machine.run(["keys", "strategy"])).stdout).toStartWith("auto");
});

test.each<[name: string, words: string[], exitCode: number, says: string]>([
  ["no terminal and nothing said", [], 2, "--from nim-rotator   2 keys of nvidia"],
  ["a tool that is not known", ["--from", "vault"], 2, "ollama-router, multi-auth, nim-rotator, env, auth"],
  ["an export without its file", ["--from", "export"], 2, "keys import FILE"],
  ["two ways at once", ["--all", "--from", "env"], 2, "exclude each other"],
  ["a tool that was never used", ["--from", "env"], 1, "No keys of env found"],
  ["a file that is not there", ["absent.json"], 1, "absent.json"],
])("with %s nothing is taken", async (_name, words, exitCode, says) => {
  using machine = usedMachine();
  const run = await machine.run(["keys", "import", ...words]);
  expect(run.exitCode).toBe(exitCode);
  expect(run.stderr).toContain(says);
  expect(await Bun.file(machine.file("keys.toml")).exists()).toBe(false);
});

test.each<[name: string, text: string]>([
  ["a list of keys", "secret-1\nsecret-2\n"],
  ["some other JSON", '{"name": "secret-1"}'],
  ["nothing", ""],
])("a file with %s is refused, and never repeated", async (_name, text) => {
  using machine = tempMachine();
  const run = await machine.run(["keys", "import", put(machine, "odd.json", text)]);
  expect(run.exitCode).toBe(2);
  expect(run.stderr).toContain("not a file that keys can be imported from");
  expect(run.stderr).not.toContain("secret-");
});

test("export with secrets and import into a fresh home loses nothing", async () => {
  using machine = tempMachine();
  await machine.write(
    "keys.toml",
    `# mine\n${keysToml(
      { provider: "nvidia", name: "work", value: "secret-1", enabled: true },
      { provider: "nvidia", name: "your-old", value: "your-secret-2", enabled: false },
      { provider: "groq", name: "shell", env: "MY_GROQ", enabled: true },
    )}`,
  );
  const file = machine.folder.in("keys.json");
  const env = { MY_GROQ: "secret-groq-1", GROQ_API_KEY: "secret-groq-2" };
  const run = await machine.run(["keys", "export", "--with-secrets", "--out", file], { env });
  expect(run.exitCode).toBe(0);
  expect(run.stdout + run.stderr).not.toContain("secret-1");
  expect(modeOf(file)).toBe(0o600);
  // The value of a variable is not exported.
  expect(readFileSync(file, "utf8")).not.toContain("secret-groq");
  using fresh = tempMachine();
  expect((await fresh.run(["keys", "import", file])).exitCode).toBe(0);
  expect(await keysOf(fresh)).toEqual(await keysOf(machine));
});

test("an export without secrets has names and fingerprints, and says so when it is imported", async () => {
  using machine = tempMachine();
  await machine.write("keys.toml", keysToml({ provider: "nvidia", name: "work", value: "secret-1" }));
  const { stdout } = await machine.run(["keys", "export"]);
  expect(stdout).not.toContain("secret-1");
  expect(JSON.parse(stdout)).toEqual({
    format: "orouter-keys",
    version: 1,
    keys: [
      {
        provider: "nvidia",
        name: "work",
        fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/),
        enabled: true,
        source: "keys.toml",
      },
    ],
  });
  const found = await summary(machine, [put(machine, "keys.json", stdout)]);
  expect(found.leftOut.join()).toContain(
    "nvidia/work is left out: the export was written without --with-secrets",
  );
});

test("secrets go into no file that others can read, and over no file that is there", async () => {
  using machine = tempMachine();
  await machine.write("keys.toml", keysToml({ provider: "nvidia", name: "work", value: "secret-1" }));
  const open = put(machine, "open.json", "mine");
  const toOpen = Bun.spawn(machine.command(["keys", "export", "--with-secrets"]), {
    env: machine.env,
    stdout: Bun.file(machine.folder.in("new.json")),
    stderr: "ignore",
  });
  expect(await toOpen.exited).toBe(2);
  const over = await machine.run(["keys", "export", "--with-secrets", "--out", open]);
  expect(over.exitCode).toBe(2);
  expect(readFileSync(open, "utf8")).toBe("mine");
  expect((await machine.run(["keys", "export", "--with-secrets", "--out", open, "--force"])).exitCode).toBe(
    0,
  );
  // A pipe may receive secrets.
  expect((await machine.run(["keys", "export", "--with-secrets"])).stdout).toContain("secret-1");
});

test("secrets are not shown on a terminal", async () => {
  using machine = tempMachine();
  await machine.write("keys.toml", keysToml({ provider: "nvidia", name: "work", value: "secret-1" }));
  const run = await answerInTerminal(machine, ["keys", "export", "--with-secrets"], []);
  expect(run.exitCode).toBe(2);
  expect(run.screen).toContain("not shown on a terminal");
  expect(run.screen).not.toContain("secret-1");
});

test("doctor names the way to take keys over", async () => {
  using machine = usedMachine();
  const run = await machine.run(["doctor", "--offline", "--json"]);
  const { checks } = JSON.parse(run.stdout) as {
    checks: { check: string; what: string; fix: string | null }[];
  };
  const older = checks.filter(({ check }) => check === "older tools");
  expect(older.map(({ what }) => what).join()).toContain(
    "nim-rotator-keys.json (opencode-nim-rotator) has 2 keys",
  );
  for (const { fix } of older) expect(fix).toContain("orouter keys import");
});

test.each<[words: string[], exitCode: number, says: string]>([
  [[], 0, "random: "],
  [["--json"], 0, '"strategy": "random"'],
  [["round-robn"], 2, "Did you mean round-robin?"],
])("keys strategy %p", async (words, exitCode, says) => {
  using machine = tempMachine();
  await machine.write("config.toml", '[routing]\nstrategy = "random"\n');
  const run = await machine.run(["keys", "strategy", ...words]);
  expect(run.exitCode).toBe(exitCode);
  expect(run.stdout + run.stderr).toContain(says);
});

test("a file that is not there is said not to be, whatever its folder", async () => {
  using machine = tempMachine();
  const run = await machine.run(["keys", "import", "keys.json"]);
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toContain("Cannot read keys.json: it does not exist.");
});

test("keys strategy changes the one word", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", '# mine\n[routing]\nstrategy = "random" # so far\n');
  expect((await machine.run(["keys", "strategy", "least-failures"])).exitCode).toBe(0);
  expect(await machine.read("config.toml")).toBe('# mine\n[routing]\nstrategy = "least-failures" # so far\n');
});

test("3,000 keys are added in one write, after a text that stays as it was", async () => {
  using machine = tempMachine();
  await machine.run(["keys", "add", "nvidia", "--stdin"], { stdin: "secret-first\n" });
  const file = machine.file("keys.toml");
  const before = readFileSync(file, "utf8");
  const keys = Array.from({ length: 3000 }, (_, at) => ({ id: `${at}`, name: "many", key: `secret-${at}` }));
  put(machine, "many.json", JSON.stringify({ keys, rotationStrategy: "sticky" }));
  let replaced = 0;
  const watcher = watch(dirname(file), (_event, name) => {
    if (name === "keys.toml") replaced++;
  });
  try {
    const run = await machine.run(["keys", "import", machine.folder.in("many.json"), "--json"]);
    expect((JSON.parse(run.stdout) as Summary).added).toHaveLength(3000);
  } finally {
    watcher.close();
  }
  expect(replaced).toBe(1);
  // A patch of the whole list takes time with the square of its length.
  expect(readFileSync(file, "utf8")).toStartWith(before);
  expect(readFileSync(file, "utf8").match(/^\[\[keys\]\]$/gm)).toHaveLength(3001);
}, 60_000);

test("a pipe or a device is not opened", async () => {
  using machine = tempMachine();
  const pipe = machine.folder.in("pipe");
  expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
  for (const file of [pipe, "/dev/zero"]) {
    const run = await machine.run(["keys", "import", file]);
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(`${file} is a pipe or a device, not a file.`);
  }
});
