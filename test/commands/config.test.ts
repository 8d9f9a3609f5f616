import { expect, test } from "bun:test";
import { parseSettings } from "../../src/core/settings/settings.ts";
import { keysToml, tempMachine } from "./orouter.ts";

test("config path names every file and folder and whether it is there", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", "");
  const run = await machine.run(["config", "path"]);
  expect(run.exitCode).toBe(0);
  expect(run.stdout).toContain(machine.file("config.toml"));
  const { paths } = JSON.parse((await machine.run(["config", "path", "--json"])).stdout);
  expect(paths.config).toEqual({ path: machine.file("config.toml"), exists: true });
  expect(paths.keys).toEqual({ path: machine.file("keys.toml"), exists: false });
  expect(Object.keys(paths)).toEqual(["config", "keys", "state", "cache", "runs", "auth", "database"]);
});

test("without OROUTER_HOME the XDG folders count", async () => {
  using machine = tempMachine();
  const env = { OROUTER_HOME: "", XDG_CONFIG_HOME: machine.folder.in("xdg") };
  const { paths } = JSON.parse((await machine.run(["config", "path", "--json"], { env })).stdout);
  expect(paths.config.path).toBe(machine.folder.in("xdg/orouter/config.toml"));
});

const CONFIG = `theme = "nord" # mine
[routing]
fail_window = "2h"
cooldown = { base = "10s" }
[providers.nvidia]
rpm = 30
[providers.work]
base_url = "http://localhost:8000"
[chains]
"my.coding" = ["nvidia/a", "work/b"]
[models_dev]
provider_aliases = { cx = "openai" }
[[models]]
match = '/gpt-5\\.3/i'
context = 200000
[[rules]]
text = "pool is drained"
verdict = "overloaded"
`;

test("config show marks what comes from the file and gives the rest as it is in force", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", CONFIG);
  const { stdout, exitCode } = await machine.run(["config", "show"]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^theme = "nord" +# from config\.toml$/m);
  expect(stdout).toMatch(/^fail_window = "2h" +# from config\.toml$/m);
  expect(stdout).toMatch(/^patience = "5s"$/m);
  expect(stdout).toMatch(/^base = "10s" +# from config\.toml$/m);
  expect(stdout).toMatch(/^base_url = "http:\/\/localhost:8000\/v1" +# from config\.toml$/m);
  expect(stdout).toMatch(/^base_url = "https:\/\/integrate\.api\.nvidia\.com\/v1"$/m);
});

test("what config show prints is a config.toml that means the same", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", CONFIG);
  const { stdout } = await machine.run(["config", "show"]);
  expect(parseSettings(Bun.TOML.parse(stdout))).toEqual(parseSettings(Bun.TOML.parse(CONFIG)));
});

test("without a file config show prints the defaults, and those are a config.toml too", async () => {
  using machine = tempMachine();
  const { stdout, stderr } = await machine.run(["config", "show"]);
  expect(stderr).toContain("these are the defaults");
  expect(stdout).not.toContain("# from config.toml");
  expect(parseSettings(Bun.TOML.parse(stdout))).toEqual(parseSettings({}));
});

test("config show --json is the settings, patterns as written", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", CONFIG);
  const settings = JSON.parse((await machine.run(["config", "show", "--json"])).stdout);
  expect(settings).toMatchObject({
    theme: "nord",
    routing: { failWindowMs: 7_200_000 },
    models: [{ match: "/gpt-5\\.3/i" }],
  });
});

test("a login inside an address is not shown", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", '[models_dev]\nurl = "https://me:hunter2@example.com/api.json"\n');
  for (const flags of [[], ["--json"]]) {
    const { stdout } = await machine.run(["config", "show", ...flags]);
    expect(stdout).toContain("example.com/api.json");
    expect(stdout).not.toContain("hunter2");
  }
});

test("config check says that both files are fine, and what is odd about them", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", '[chains]\na = ["nowhere/x"]\n');
  await machine.write("keys.toml", keysToml({ provider: "nvidia", name: "a", value: "k" }));
  const run = await machine.run(["config", "check"]);
  expect(run).toMatchObject({ exitCode: 0, stdout: "config.toml is fine\nkeys.toml is fine\n" });
  expect(run.stderr).toContain("config.toml:2:");
  const { ok, warnings } = JSON.parse((await machine.run(["config", "check", "--json"])).stdout);
  expect(ok).toBe(true);
  expect(warnings).toHaveLength(1);
});

test("without files there is nothing wrong", async () => {
  using machine = tempMachine();
  const run = await machine.run(["config", "check"]);
  expect(run.exitCode).toBe(0);
  expect(run.stdout).toContain("defaults apply");
});

test.each<[name: string, text: string, place: string, allowed: string]>([
  ["a typo in a name", '[routing]\nfail_windw = "5h"\n', "config.toml:2:1", "fail_window"],
  ["a wrong type", "[routing]\n\ntries_per_key = true\n", "config.toml:3:1", "a whole number from 1 to 100"],
  ["a bad duration", '[routing]\nfail_window = "5 hours"\n', "config.toml:2:1", '"1h30m"'],
  ["a word that is not on the list", 'theme = "pink"\n', "config.toml:1:1", "tokyonight"],
  ["a broken line", 'theme = "nord"\n[routing\n', "config.toml:2:", ""],
])(
  "%s: exit 3, the place and what is allowed, and the file untouched",
  async (_name, text, place, allowed) => {
    using machine = tempMachine();
    await machine.write("config.toml", text);
    for (const args of [
      ["config", "check"],
      ["config", "show"],
      ["keys", "list"],
    ]) {
      const run = await machine.run(args);
      expect(run).toMatchObject({ exitCode: 3, stdout: "" });
      expect(run.stderr).toContain(place);
      expect(run.stderr).toContain(allowed);
    }
    expect(await machine.read("config.toml")).toBe(text);
  },
);

test("mistakes in both files are told at once, without a secret", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", "theme = 1\n");
  await machine.write("keys.toml", '[[keys]]\nprovider = "nvidia"\nvalue = "se cret"\nkeychane = true\n');
  const run = await machine.run(["config", "check"]);
  expect(run.exitCode).toBe(3);
  expect(run.stderr).toContain("config.toml:1:1");
  expect(run.stderr).toContain("keys.toml:");
  expect(run.stderr).not.toContain("se cret");
});

/** An editor that replaces a text in the file it is given. */
function replacing(from: string, to: string): string {
  const script = `const f = Bun.file(process.argv.at(-1)); await f.write((await f.text()).replace("${from}", "${to}"))`;
  return `${process.execPath} -e '${script}'`;
}

test("config edit runs the editor with its arguments, and checks the file", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", '# mine\ntheme = "nord"\n');
  const run = await machine.run(["config", "edit"], { env: { EDITOR: replacing("nord", "dracula") } });
  expect(run).toMatchObject({ stdout: "config.toml is fine\nNo keys.toml\n", exitCode: 0 });
  expect(await machine.read("config.toml")).toBe('# mine\ntheme = "dracula"\n');
});

test("config edit prefers VISUAL, and creates a missing file with its folder", async () => {
  using machine = tempMachine();
  const editor = `${process.execPath} -e 'await Bun.write(process.argv.at(-1), "theme = \\"nord\\"")'`;
  const run = await machine.run(["config", "edit"], { env: { VISUAL: editor, EDITOR: "false" } });
  expect(run.exitCode).toBe(0);
  expect(await machine.read("config.toml")).toBe('theme = "nord"');
});

test("a file that is invalid after config edit is reported with its line and stays as it was saved", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", 'theme = "nord"\n');
  const run = await machine.run(["config", "edit"], { env: { EDITOR: replacing("= ", "= [") } });
  expect(run.exitCode).toBe(3);
  expect(run.stderr).toContain(`${machine.file("config.toml")}:2:1: expected comma`);
  expect(run.stderr).toContain("Edit it again: orouter config edit");
  expect(run.stderr).toContain("Running orouters keep the previous version until the file is valid.");
  expect(await machine.read("config.toml")).toBe('theme = ["nord"\n');
});

test("config edit reports an editor that fails, or is missing", async () => {
  using machine = tempMachine();
  const failed = await machine.run(["config", "edit"], { env: { EDITOR: "false" } });
  expect(failed).toMatchObject({ stdout: "", exitCode: 1 });
  expect(failed.stderr).toContain("The editor false ended with exit code 1.");
  const missing = await machine.run(["config", "edit"], { env: { EDITOR: "no-such-editor --wait" } });
  expect(missing.stderr).toContain("The editor no-such-editor --wait ended with exit code 127.");
});
