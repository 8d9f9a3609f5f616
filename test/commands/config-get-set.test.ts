import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { tempMachine } from "./orouter.ts";

const CONFIG = `# mine
theme = "nord"   # as in the editor

[routing] # how
strategy = "random"
cooldown = { base = "10s" }

[providers.nvidia]
rpm = 0          # no pacing
[providers.work]
base_url = "http://localhost:8000"

# for work
[chains]
coding = [
  "work/a",   # the best
  "nvidia/b",
]

[[models]]
match = "gpt"
context = 1000
`;

async function machineWith(config = CONFIG) {
  const machine = tempMachine();
  await machine.write("config.toml", config);
  return machine;
}

test.each<[path: string, stdout: string, from: string]>([
  ["theme", "nord", "file"],
  ["routing.strategy", "random", "file"],
  ["routing.patience", "5s", "default"],
  ["routing.cooldown.base", "10s", "file"],
  ["routing.cooldown.max", "1h", "default"],
  ["routing.cooldown", 'base = "10s"\nfactor = 1.5\nmax = "1h"', "file"],
  ["providers.nvidia.rpm", "0", "file"],
  ["providers.nvidia.base_url", "https://integrate.api.nvidia.com/v1", "preset"],
  ["providers.groq.name", "Groq", "preset"],
  ["providers.work.base_url", "http://localhost:8000/v1", "file"],
  ["chains.coding", '["work/a", "nvidia/b"]', "file"],
  ["chains.coding[1]", "nvidia/b", "file"],
  ["models[0].context", "1000", "file"],
  ["rules", "[]", "default"],
  ["models_dev.enabled", "true", "default"],
])("config get %s says what holds, and who says so", async (path, stdout, from) => {
  using machine = await machineWith();
  const run = await machine.run(["config", "get", path]);
  expect(run).toMatchObject({ stdout: `${stdout}\n`, exitCode: 0 });
  expect(run.stderr).toContain(from === "file" ? machine.file("config.toml") : path);
  const json = JSON.parse((await machine.run(["config", "get", path, "--json"])).stdout);
  expect(json).toEqual({ path, value: expect.anything(), from });
});

test("config get of what nobody has set prints nothing, and null for scripts", async () => {
  using machine = tempMachine();
  const run = await machine.run(["config", "get", "opencode.path"]);
  expect(run).toMatchObject({ stdout: "", exitCode: 0 });
  expect(run.stderr).toContain("not set");
  const { stdout } = await machine.run(["config", "get", "opencode.path", "--json"]);
  expect(JSON.parse(stdout)).toEqual({ path: "opencode.path", value: null, from: "default" });
});

test.each<[words: string[], exitCode: number, said: string]>([
  [["get", "routing.stratgy"], 2, "Did you mean routing.strategy?"],
  [["get", "chains.codin"], 2, "Did you mean chains.coding?"],
  [["get", "chains.coding[5]"], 2, "config.toml has no chains.coding[5]"],
  [["get", "models[3].context"], 2, "config.toml has no models[3]"],
  [["get", "providers.nvida.rpm"], 2, "Did you mean nvidia?"],
  [["set", "routing.stratgy", "random"], 2, "Did you mean routing.strategy?"],
  [["set", "routing.strategy", "randon"], 3, "one of auto, sticky, random, round-robin, least-failures"],
  [["set", "routing.patience", "5"], 3, "a duration such as"],
  [["set", "routing.tries_per_key", "many"], 3, "a whole number"],
  [["set", "routing.strategy"], 2, "needs VALUE or --unset"],
  [["set", "routing.strategy", "random", "sticky"], 2, "takes one value"],
  [["set", "routing.strategy", "random", "--unset"], 2, "--unset takes no value"],
  [["set", "chains.coding", "nothing"], 3, "neither"],
  [["set", "chains.coding", "[]"], 3, "an empty list"],
  [["set", "models[4].context", "1"], 2, "There is no entry [4]"],
  [["set", "providers.box.rpm", "3"], 3, "needs a base_url"],
])("config %p is refused and the file stays as it is", async (words, exitCode, said) => {
  using machine = await machineWith();
  const run = await machine.run(["config", ...words]);
  expect(run.exitCode).toBe(exitCode);
  expect(run.stdout).toBe("");
  expect(run.stderr).toContain(said);
  expect(await machine.read("config.toml")).toBe(CONFIG);
});

test.each<[words: string[], old: string, changed: string]>([
  [["theme", "dracula"], 'theme = "nord"  ', 'theme = "dracula"  '],
  [["routing.strategy", '"least-failures"'], '"random"', '"least-failures"'],
  [["routing.cooldown.base", "20s"], '"10s"', '"20s"'],
  [["providers.nvidia.rpm", "30"], "rpm = 0   ", "rpm = 30   "],
  [["models[0].context", "2000"], "context = 1000", "context = 2000"],
  [["chains.coding[0]", "work/c"], '"work/a"', '"work/c"'],
  [
    ["chains.coding", "work/a", "work/n", "nvidia/b"],
    '  "work/a",   # the best\n',
    '  "work/a",   # the best\n  "work/n",\n',
  ],
  [["chains.coding", '["work/a"]'], '  "nvidia/b",\n', ""],
])("config set %p changes that and nothing else", async (words, old, changed) => {
  using machine = await machineWith();
  const run = await machine.run(["config", "set", ...words]);
  expect(run.stderr).toContain("Set ");
  expect(run).toMatchObject({ stdout: "", exitCode: 0 });
  expect(await machine.read("config.toml")).toBe(CONFIG.replace(old, changed));
});

test("config set makes the file and the tables that are missing, and set to the same is no change", async () => {
  using machine = tempMachine();
  for (const words of [
    ["providers.nvidia.rpm", "30"],
    ["fallbacks.ollama-cloud/kimi-k2.6", "nvidia/a"],
    ["opencode.toasts", "false"],
  ]) {
    expect((await machine.run(["config", "set", ...words])).exitCode).toBe(0);
  }
  const text = await machine.read("config.toml");
  expect(Bun.TOML.parse(text)).toEqual({
    providers: { nvidia: { rpm: 30 } },
    fallbacks: { "ollama-cloud/kimi-k2.6": ["nvidia/a"] },
    opencode: { toasts: false },
  });
  const again = await machine.run(["config", "set", "providers.nvidia.rpm", "30"]);
  expect(again.stderr).toContain("Already set");
  expect(await machine.read("config.toml")).toBe(text);
});

test("config set --unset lets the default hold again", async () => {
  using machine = await machineWith();
  expect((await machine.run(["config", "set", "routing.strategy", "--unset"])).exitCode).toBe(0);
  expect((await machine.run(["config", "get", "routing.strategy"])).stdout).toBe("auto\n");
  const text = await machine.read("config.toml");
  expect(text).toBe(CONFIG.replace('strategy = "random"\n', ""));
  const again = await machine.run(["config", "set", "routing.strategy", "--unset"]);
  expect(again.exitCode).toBe(0);
  expect(await machine.read("config.toml")).toBe(text);
});

test.each([
  [["config", "set", "providers.work.env", "sk-abcdefghijklmnop1234567890"]],
  [["config", "set", "providers.work.name", "0123456789abcdef0123456789abcdef.tail_of_a_key"]],
  [["config", "get", "sk-abcdefghijklmnop1234567890"]],
])("a key among the words is refused and not repeated: %p", async (words) => {
  using machine = tempMachine();
  const run = await machine.run(words);
  expect(run.exitCode).toBe(2);
  expect(run.stdout + run.stderr).not.toContain(words.at(-1) ?? "");
  expect(run.stderr).toContain("A key cannot be an argument");
  expect(existsSync(machine.file("config.toml"))).toBe(false);
});

test("the login in an address is not shown", async () => {
  using machine = await machineWith('[models_dev]\nurl = "https://me:pass@example.com/api.json"\n');
  for (const more of [[], ["--json"]]) {
    const { stdout } = await machine.run(["config", "get", "models_dev.url", ...more]);
    expect(stdout).not.toContain("pass");
    expect(stdout).toContain("example.com/api.json");
  }
});

test("a provider that is not set up is remarked on after the change", async () => {
  using machine = await machineWith();
  const run = await machine.run(["config", "set", "fallbacks.*", "wrok/x"]);
  expect(run.exitCode).toBe(0);
  expect(run.stderr).toContain("did you mean work?");
});
