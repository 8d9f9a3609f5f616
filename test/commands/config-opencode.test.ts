import { expect, test } from "bun:test";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { modeOf, namesIn } from "../config/temp-folder.ts";
import { tempMachine } from "./orouter.ts";

const CONFIG = "config opencode".split(" ");

function machineWithOpencode() {
  const machine = tempMachine();
  const at = (name: string) => machine.folder.in(`.config/opencode/${name}`);
  return {
    ...machine,
    at,
    put: async (file: string, text: string) => {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    },
    text: (file: string) => Bun.file(file).text(),
    entry: async (file: string, id = "omniroute") =>
      (Bun.JSONC.parse(await Bun.file(file).text()) as Written).provider[id],
    opencode: (args: readonly string[], options = {}) => machine.run([...CONFIG, ...args], options),
  };
}

interface Written {
  provider: Record<string, { npm: string; name: string; options: object; models: object }>;
}

/** Made up, but any scanner takes it for a key. */
const SECRET = `sk-${"a1b2c3d4".repeat(4)}`;

test("without a config a new one is made, with the schema and OmniRoute as it comes out of its box", async () => {
  using machine = machineWithOpencode();
  const run = await machine.opencode([]);
  expect(run).toMatchObject({ exitCode: 0, stdout: "" });
  expect(run.stderr).toContain(
    `Wrote omniroute to ${machine.at("opencode.json")}: http://localhost:20128/v1, 5 models.`,
  );
  expect(JSON.parse(await machine.text(machine.at("opencode.json")))).toEqual({
    $schema: "https://opencode.ai/config.json",
    provider: {
      omniroute: {
        npm: "@ai-sdk/openai-compatible",
        name: "OmniRoute",
        options: { baseURL: "http://localhost:20128/v1", apiKey: "sk_omniroute" },
        models: Object.fromEntries(
          [
            "auto",
            "claude-opus-4-5-thinking",
            "claude-sonnet-4-5-thinking",
            "gemini-3.1-pro-high",
            "gemini-3-flash",
          ].map((id) => [id, { name: id }]),
        ),
      },
    },
  });
  expect(namesIn(machine.folder.in(".config/opencode"))).toEqual(["opencode.json"]);
});

test("a config that is there keeps all else, and a second run leaves every byte alone", async () => {
  using machine = machineWithOpencode();
  const file = machine.at("opencode.jsonc");
  await machine.put(machine.at("opencode.json"), "{}");
  await machine.put(file, '{\r\n\t// mine\r\n\t"model": "a/b", // good\r\n}\r\n');
  const args = ["--base-url", "http://box:20128/v1/v1/", "--models", "auto=Auto-Combo, gpt-5.5"];
  expect((await machine.opencode(args)).exitCode).toBe(0);
  const text = await machine.text(file);
  expect(text).toStartWith(
    '{\r\n\t// mine\r\n\t"model": "a/b", // good\r\n\t"provider": {\r\n\t\t"omniroute": {\r\n',
  );
  expect(await machine.entry(file)).toMatchObject({
    options: { baseURL: "http://box:20128/v1" },
    models: { auto: { name: "Auto-Combo" }, "gpt-5.5": { name: "gpt-5.5" } },
  });
  expect(await machine.text(machine.at("opencode.json"))).toBe("{}");
  for (const again of [args, []]) {
    const run = await machine.opencode(again);
    expect(run.stderr).toContain("nothing to change");
    expect(await machine.text(file)).toBe(text);
  }
});

test("the file is OPENCODE_CONFIG's, or the one in XDG's folder, or the one that is named", async () => {
  using machine = machineWithOpencode();
  const { in: inside } = machine.folder;
  await machine.opencode([], { env: { XDG_CONFIG_HOME: inside("xdg") } });
  await machine.opencode([], {
    env: { XDG_CONFIG_HOME: inside("xdg"), OPENCODE_CONFIG: inside("named.json") },
  });
  await machine.opencode(["--out", inside("deep/out.json")], {
    env: { OPENCODE_CONFIG: inside("named.json") },
  });
  for (const file of ["xdg/opencode/opencode.json", "named.json", "deep/out.json"])
    expect(await machine.entry(inside(file)), file).toMatchObject({ name: "OmniRoute" });
  expect(namesIn(machine.folder.path)).not.toContain(".config");
});

test("a config of a run of orouter's own is not the user's", async () => {
  using machine = machineWithOpencode();
  const inRun = machine.file("run/r1/opencode.json");
  await machine.put(inRun, "{}");
  await machine.opencode([], { env: { OPENCODE_CONFIG: inRun } });
  expect(await machine.text(inRun)).toBe("{}");
  expect(await machine.entry(machine.at("opencode.json"))).toBeDefined();
});

test("--print shows the new file, byte for byte what would be written, and writes nothing", async () => {
  using machine = machineWithOpencode();
  const { stdout, exitCode } = await machine.opencode(["--print"]);
  expect(exitCode).toBe(0);
  expect(namesIn(machine.folder.path)).not.toContain(".config");
  await machine.opencode([]);
  expect(stdout).toBe(await machine.text(machine.at("opencode.json")));
});

test.each<[name: string, text: string | number[], place: string]>([
  ["does not parse", '{\n  "model": "a/b"\n  "x": 1\n}', ":3:3: a comma is missing here"],
  [
    "has something else for a provider",
    '{ "provider": [] }',
    ':1:15: "provider" has to be an object in braces',
  ],
  ["is no UTF-8", [0x7b, 0xff, 0x7d], ": this is not UTF-8 text"],
])("a config that %s is left as it is, and the place is named", async (_name, text, place) => {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : new Uint8Array(text);
  using machine = machineWithOpencode();
  const file = machine.at("opencode.json");
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes);
  for (const args of [[], ["--print"], ["--stdin"]]) {
    const run = await machine.opencode(args, { stdin: SECRET });
    expect(run).toMatchObject({ exitCode: 3, stdout: "" });
    expect(run.stderr).toContain(`${file}${place}`);
  }
  expect(await Bun.file(file).bytes()).toEqual(bytes);
  expect(namesIn(dirname(file))).toEqual(["opencode.json"]);
});

test("a key among the arguments is refused, told why and not repeated", async () => {
  using machine = machineWithOpencode();
  const calls = [
    ["--api-key", SECRET],
    [`--api-key=${SECRET}`],
    ["--api-key", "hunter2"],
    ["--api-key", `{env:${SECRET}}`],
    ["--api-key-env", SECRET],
    ["--name", SECRET],
    ["--provider", SECRET],
    ["--base-url", `http://me:${SECRET}@box`],
    [SECRET],
  ];
  for (const args of calls) {
    const run = await machine.opencode(args);
    expect(run.exitCode, run.stderr).toBe(2);
    expect(run.stderr + run.stdout).not.toContain("a1b2c3d4");
    expect(run.stderr + run.stdout).not.toContain("hunter2");
  }
  expect((await machine.opencode(["--api-key", SECRET])).stderr).toContain("--api-key-env NAME");
  expect(namesIn(machine.folder.path)).not.toContain(".config");
});

test.each<[args: string[], apiKey: string]>([
  [["--api-key", "sk_omniroute"], "sk_omniroute"],
  [["--api-key", "{file:~/.omniroute-key}"], "{file:~/.omniroute-key}"],
  [["--api-key", "{env:MY_KEY}"], "{env:MY_KEY}"],
  [["--api-key-env", "MY_KEY"], "{env:MY_KEY}"],
  [[], "{env:OMNIROUTE_API_KEY}"],
])("with %p the apiKey is %p", async (args, apiKey) => {
  using machine = machineWithOpencode();
  const run = await machine.opencode(args, { env: { OMNIROUTE_API_KEY: "unused" } });
  expect(run.exitCode).toBe(0);
  expect(await machine.entry(machine.at("opencode.json"))).toMatchObject({ options: { apiKey } });
  expect(run.stderr.includes("MY_KEY is not set")).toBe(apiKey === "{env:MY_KEY}");
});

test("a key from stdin goes into the file, which others then cannot read", async () => {
  using machine = machineWithOpencode();
  const file = machine.at("opencode.json");
  await machine.put(file, "{}\n");
  await chmod(file, 0o644);
  const run = await machine.opencode(["--stdin"], { stdin: `${SECRET}\n` });
  expect(run.exitCode).toBe(0);
  expect(run.stderr + run.stdout).not.toContain(SECRET);
  expect(await machine.entry(file)).toMatchObject({ options: { apiKey: SECRET } });
  expect(modeOf(file)).toBe(0o600);
});

test("without a new key the file's mode stays, and so does the key in it, at the same address only", async () => {
  using machine = machineWithOpencode();
  const file = machine.at("opencode.json");
  const options = { baseURL: "http://box:9/v1", apiKey: SECRET };
  await machine.put(file, JSON.stringify({ provider: { omniroute: { options } } }));
  await chmod(file, 0o640);
  await machine.opencode(["--models", "auto"]);
  expect(await machine.entry(file)).toMatchObject({ options, models: { auto: {} } });
  expect(modeOf(file)).toBe(0o640);
  await machine.opencode(["--base-url", "http://elsewhere:9"]);
  expect(await machine.entry(file)).toMatchObject({
    options: { baseURL: "http://elsewhere:9/v1", apiKey: "sk_omniroute" },
    models: { auto: {} },
  });
});

test("a link is followed, so that a config kept elsewhere stays there", async () => {
  using machine = machineWithOpencode();
  const real = machine.folder.in("dotfiles/opencode.json");
  await machine.put(real, "{}");
  await mkdir(dirname(machine.at("x")), { recursive: true });
  await symlink(real, machine.at("opencode.json"));
  await machine.opencode([]);
  expect(await machine.entry(real)).toBeDefined();
});

test("a provider of one's own needs an address and models, and on another machine a key", async () => {
  using machine = machineWithOpencode();
  const call = ["--provider", "work", "--name", "My Work"];
  expect((await machine.opencode(call)).stderr).toContain("--base-url");
  call.push("--base-url", "https://llm.example.com");
  expect((await machine.opencode(call)).stderr).toContain("--models");
  call.push("--models", "a=One,b,a");
  const run = await machine.opencode(call);
  expect(run.exitCode).toBe(2);
  expect(run.stderr).toContain("--api-key-env NAME");
  call.push("--api-key-env", "WORK_KEY");
  expect((await machine.opencode(call)).exitCode).toBe(0);
  expect(await machine.entry(machine.at("opencode.json"), "work")).toEqual({
    npm: "@ai-sdk/openai-compatible",
    name: "My Work",
    options: { baseURL: "https://llm.example.com/v1", apiKey: "{env:WORK_KEY}" },
    models: { a: { name: "One" }, b: { name: "b" } },
  });
});

test("what config.toml says of a provider is used", async () => {
  using machine = machineWithOpencode();
  await machine.write(
    "config.toml",
    '[providers.work]\nbase_url = "http://localhost:8000"\napi = "responses"\nmodels = ["m"]\n',
  );
  expect((await machine.opencode(["--provider", "work"])).exitCode).toBe(0);
  expect(await machine.entry(machine.at("opencode.json"), "work")).toEqual({
    npm: "@ai-sdk/openai",
    name: "work",
    options: { baseURL: "http://localhost:8000/v1", apiKey: "none" },
    models: { m: { name: "m" } },
  });
});

test("two runs at the same time both get their entry in", async () => {
  using machine = machineWithOpencode();
  const runs = ["one", "two", "three"].map((id) =>
    machine.opencode(["--provider", id, "--base-url", "http://localhost:1", "--models", "m"]),
  );
  for (const run of await Promise.all(runs)) expect(run.exitCode, run.stderr).toBe(0);
  const { provider } = (await Bun.file(machine.at("opencode.json")).json()) as Written;
  expect(Object.keys(provider).sort()).toEqual(["one", "three", "two"]);
  expect(namesIn(machine.folder.in(".config/opencode"))).toEqual(["opencode.json"]);
});

test("ways that contradict each other, and what is no address, are told as such", async () => {
  using machine = machineWithOpencode();
  const calls = [
    ["--api-key", "none", "--ask"],
    ["--base-url", "localhost:20128"],
    ["--models", " , "],
    ["--ask"],
  ];
  for (const args of calls) expect((await machine.opencode(args)).exitCode).toBe(2);
});

test("a key is asked for and never shown; whoever leaves has written nothing", async () => {
  using machine = machineWithOpencode();
  const answer = async (typed: string) => {
    let screen = "";
    let isAnswered = false;
    const child = Bun.spawn(machine.command([...CONFIG, "--ask"]), {
      env: { ...machine.env, TERM: "xterm-256color" },
      terminal: {
        cols: 200,
        rows: 30,
        data: (terminal, bytes) => {
          screen += new TextDecoder().decode(bytes);
          if (isAnswered || !Bun.stripANSI(screen).includes("Key for OmniRoute")) return;
          isAnswered = true;
          terminal.write(typed);
        },
      },
    });
    const exitCode = await child.exited;
    child.terminal?.close();
    return { exitCode, screen };
  };
  expect((await answer("\x03")).exitCode).toBe(1);
  expect(namesIn(machine.folder.path)).not.toContain(".config");
  const { exitCode, screen } = await answer(`${SECRET}\r`);
  expect(exitCode).toBe(0);
  expect(screen).not.toContain(SECRET);
  const file = machine.at("opencode.json");
  expect(await machine.entry(file)).toMatchObject({ options: { apiKey: SECRET } });
  expect(modeOf(file)).toBe(0o600);
});
