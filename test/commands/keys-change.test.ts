import { expect, test } from "bun:test";
import { fingerprint } from "../../src/core/key.ts";
import { keysToml, tempMachine } from "./orouter.ts";

const TOML = `# by hand\n${keysToml(
  { provider: "nvidia", name: "work", value: "secret-a" },
  { provider: "nvidia", name: "spare", value: "secret-b" },
  { provider: "groq", name: "work", value: "secret-c", enabled: false },
)}`;

async function machineWithKeys() {
  const machine = tempMachine();
  await machine.write("keys.toml", TOML);
  return machine;
}

async function entries(machine: Awaited<ReturnType<typeof machineWithKeys>>) {
  const { keys } = Bun.TOML.parse(await machine.read("keys.toml")) as { keys: Record<string, unknown>[] };
  return keys.map((key) => `${key["provider"]}/${key["name"]}${key["enabled"] === false ? " off" : ""}`);
}

test.each<[way: string, asked: string[], left: string[]]>([
  ["its name", ["spare"], ["nvidia/work", "groq/work off"]],
  ["provider/name", ["groq/work"], ["nvidia/work", "nvidia/spare"]],
  ["a name and --provider", ["work", "--provider", "nvidia"], ["nvidia/spare", "groq/work off"]],
  [
    "the first digits of its fingerprint",
    [fingerprint("secret-b").slice(0, 5)],
    ["nvidia/work", "groq/work off"],
  ],
])("a key is removed by %s", async (_way, asked, left) => {
  using machine = await machineWithKeys();
  const run = await machine.run(["keys", "remove", ...asked, "--yes"]);
  expect(run).toMatchObject({ exitCode: 0, stdout: "" });
  expect(run.stderr).toContain("Removed");
  expect(await entries(machine)).toEqual(left);
  expect(await machine.read("keys.toml")).toStartWith("# by hand\n");
});

test("a removed key that is still in the environment is pointed out", async () => {
  using machine = await machineWithKeys();
  const run = await machine.run(["keys", "remove", "spare", "-y"], { env: { NVIDIA_API_KEY: "secret-b" } });
  expect(run.stderr).toContain("still there as nvidia/NVIDIA_API_KEY");
});

test("rename, disable and enable change that one thing", async () => {
  using machine = await machineWithKeys();
  expect((await machine.run(["keys", "rename", "spare", "home"])).exitCode).toBe(0);
  expect((await machine.run(["keys", "disable", "home"])).exitCode).toBe(0);
  expect((await machine.run(["keys", "enable", "groq/work"])).exitCode).toBe(0);
  expect(await entries(machine)).toEqual(["nvidia/work", "nvidia/home off", "groq/work"]);
  const again = await machine.run(["keys", "disable", "home"]);
  expect(again.exitCode).toBe(0);
  expect(again.stderr).toContain("already disabled");
});

test.each<[name: string, args: string[], told: string]>([
  ["a name that two keys have", ["remove", "work", "--yes"], "groq/work"],
  ["a name that no key has", ["disable", "spere"], "Did you mean spare?"],
  ["a name of another provider", ["disable", "spare", "--provider", "groq"], "of groq"],
  ["four digits of a fingerprint", ["disable", fingerprint("secret-b").slice(0, 4)], "Unknown key"],
  ["a new name that cannot be one", ["rename", "spare", "nvidia/work"], "name of a key"],
  ["another key's name", ["rename", "spare", "work"], "already has a key called work"],
  ["removing without anybody to ask", ["remove", "spare"], "--yes"],
  ["no name", ["enable"], "needs NAME"],
  ["no new name", ["rename", "spare"], "needs NEW"],
])("%s: exit 2 and nothing changes", async (_name, args, told) => {
  using machine = await machineWithKeys();
  const run = await machine.run(["keys", ...args]);
  expect(run).toMatchObject({ exitCode: 2, stdout: "" });
  expect(run.stderr).toContain(told);
  expect(run.stderr).not.toContain("secret-");
  expect(await machine.read("keys.toml")).toBe(TOML);
});

test.each(["remove --yes", "disable", "enable", "rename"])(
  "%s of a key from elsewhere says where it is",
  async (deed) => {
    using machine = await machineWithKeys();
    const [command = "", ...flags] = deed.split(" ");
    const words = command === "rename" ? ["NEW"] : flags;
    const env = await machine.run(["keys", command, "OLLAMA_API_KEY", ...words], {
      env: { OLLAMA_API_KEY: "secret-d" },
    });
    expect(env.exitCode).toBe(2);
    expect(env.stderr).toContain("the environment variable OLLAMA_API_KEY");
    await Bun.write(machine.folder.in("data/opencode/auth.json"), '{"groq":{"type":"api","key":"secret-e"}}');
    const auth = await machine.run(["keys", command, "groq/opencode", ...words]);
    expect(auth.exitCode).toBe(2);
    expect(auth.stderr).toContain("opencode auth logout");
    expect(await machine.read("keys.toml")).toBe(TOML);
  },
);

test("the way named for switching off a key of the environment works", async () => {
  using machine = tempMachine();
  const env = { OLLAMA_API_KEY: "secret-d" };
  const run = await machine.run(["keys", "disable", "OLLAMA_API_KEY"], { env });
  expect(run.stderr).toContain("orouter keys add ollama-cloud --env OLLAMA_API_KEY");
  await machine.run(["keys", "add", "ollama-cloud", "--env", "OLLAMA_API_KEY", "--name", "cloud"], { env });
  await machine.run(["keys", "disable", "ollama-cloud/cloud"], { env });
  const { keys } = JSON.parse((await machine.run(["keys", "--json"], { env })).stdout);
  expect(keys).toMatchObject([{ name: "cloud", enabled: false }]);
});
