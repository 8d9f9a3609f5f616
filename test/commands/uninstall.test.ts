import { expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { removeAll, removeEmpty, removeFromKeychain } from "../../src/commands/uninstall/remains.ts";
import { programRemoval } from "../../src/commands/uninstall/uninstall.ts";
import { createRunDir } from "../../src/harness/run/run-dir.ts";
import { memoryKeychain } from "../config/memory-keychain.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { answerInTerminal } from "./answer-in-terminal.ts";
import { keysToml, tempMachine } from "./orouter.ts";

type Machine = ReturnType<typeof tempMachine>;

const SECRET = "secret-of-work";
/** The folder of a killed run: its lock is free. */
const DEAD_RUN = `run/run-${"a".repeat(22)}`;

function put(path: string, text = "x"): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o600 });
}

/** Everything that orouter may have left, next to files of other programs. */
function usedMachine(): Machine {
  const machine = tempMachine();
  put(machine.file("keys.toml"), keysToml({ provider: "nvidia", name: "work", value: SECRET }));
  for (const name of [
    "config.toml",
    "config.toml.lock",
    ".config.toml.1.abcd.tmp",
    "state.db",
    "state.db-wal",
    "state.db.broken-20261121T120000Z",
    "cache/catalog-nvidia-abc.json",
    ".config.toml.lock",
    `${DEAD_RUN}/token`,
  ])
    put(machine.file(name));
  put(machine.file(`${DEAD_RUN}/lock`), "");
  put(machine.folder.in(".config/opencode/opencode.json"));
  put(machine.folder.in("data/opencode/auth.json"));
  return machine;
}

function filesOf(machine: Machine): string[] {
  const { path } = machine.folder;
  return (
    readdirSync(path, { recursive: true, encoding: "utf8", withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
      // Bun's own cache of compiled code; a compiled orouter does not create it.
      .filter((file) => !file.startsWith(".bun/"))
      .sort()
  );
}

const OPENCODES = [".config/opencode/opencode.json", "data/opencode/auth.json"];

test("--yes removes all that is ours, and nothing of opencode's", async () => {
  using machine = usedMachine();
  const run = await machine.run(["uninstall", "--yes"]);
  expect(run.exitCode).toBe(0);
  expect(filesOf(machine)).toEqual(OPENCODES);
  expect(existsSync(machine.file("."))).toBe(false);
  expect(run.stdout + run.stderr).not.toContain(SECRET);
});

test("--keep-keys keeps the keys", async () => {
  using machine = usedMachine();
  expect((await machine.run(["uninstall", "--yes", "--keep-keys"])).exitCode).toBe(0);
  expect(filesOf(machine)).toEqual([...OPENCODES, "orouter/keys.toml"]);
  expect(await machine.read("keys.toml")).toContain(SECRET);
});

test("what others keep in our folders stays, and is told", async () => {
  using machine = usedMachine();
  const foreign = ["config.toml.mine", "notes.txt", "cache/photo.json", "run/other"];
  for (const name of foreign) put(machine.file(name));
  const run = await machine.run(["uninstall", "--yes"]);
  expect(filesOf(machine)).toEqual([...OPENCODES, ...foreign.map((name) => `orouter/${name}`)].sort());
  expect(run.stderr).toContain("stays: it is not empty");
});

test("the folder of a run under way stays", async () => {
  using machine = usedMachine();
  const runDir = createRunDir(machine.file("run"));
  runDir.write("token", "t");
  const run = await machine.run(["uninstall", "--yes"]);
  expect(run.stderr).toContain(`orouter is running (${runDir.path})`);
  const folder = `orouter/run/${basename(runDir.path)}`;
  expect(filesOf(machine)).toEqual([...OPENCODES, `${folder}/lock`, `${folder}/token`]);
  runDir.remove();
});

test("without a terminal it asks for --yes and removes nothing", async () => {
  using machine = usedMachine();
  const before = filesOf(machine);
  const run = await machine.run(["uninstall"]);
  expect(run.exitCode).toBe(2);
  expect(run.stderr).toContain("--yes");
  // It still lists what exists.
  for (const name of ["config.toml", "keys.toml", "state.db"])
    expect(run.stdout).toContain(machine.file(name));
  expect(filesOf(machine)).toEqual(before);
});

test("on a clean machine there is nothing to ask", async () => {
  using machine = tempMachine();
  const run = await machine.run(["uninstall"]);
  expect(run.exitCode).toBe(0);
  expect(run.stderr).toContain("Nothing of orouter");
});

const FILES = "Remove these files";
const KEYS = "Remove the keys as well?";

test.each<
  [name: string, answers: [cue: string, typed: string][], exitCode: number, left: "all" | "keys" | "none"]
>([
  ["a no to the files ends it", [[FILES, "n"]], 1, "all"],
  ["Ctrl-C removes nothing", [[FILES, "\x03"]], 1, "all"],
  [
    "a no to the keys keeps them",
    [
      [FILES, "y"],
      [KEYS, "\r"],
    ],
    0,
    "keys",
  ],
  [
    "two times yes removes all",
    [
      [FILES, "y"],
      [KEYS, "y"],
    ],
    0,
    "none",
  ],
])("%s", async (_name, answers, exitCode, left) => {
  using machine = usedMachine();
  const before = filesOf(machine);
  expect((await answerInTerminal(machine, ["uninstall"], answers)).exitCode).toBe(exitCode);
  const after = { all: before, keys: [...OPENCODES, "orouter/keys.toml"], none: OPENCODES }[left];
  expect(filesOf(machine)).toEqual(after);
});

test("in their usual places the folders go as well, the cache as a whole", async () => {
  using machine = tempMachine();
  const { in: at } = machine.folder;
  put(at(".config/orouter/config.toml"));
  put(at(".local/state/orouter/state.db"));
  put(at(".cache/orouter/anything.json"));
  put(at(".cache/other/thing"));
  const env = { OROUTER_HOME: "", XDG_RUNTIME_DIR: at("runtime") };
  expect((await machine.run(["uninstall", "--yes"], { env })).exitCode).toBe(0);
  expect(filesOf(machine)).toEqual([".cache/other/thing"]);
  expect(existsSync(at(".config/orouter"))).toBe(false);
  expect(existsSync(at(".local/state/orouter"))).toBe(false);
});

test("secrets in the keychain go with their keys", async () => {
  const keychain = memoryKeychain();
  await keychain.set("nvidia/work", SECRET);
  await keychain.set("nvidia/other", "kept");
  const entry = { provider: "nvidia", name: "work", enabled: true, place: { kind: "keychain" } } as const;
  expect(await removeFromKeychain([entry], keychain)).toEqual([]);
  expect(await keychain.get("nvidia/work")).toBeUndefined();
  expect(await keychain.get("nvidia/other")).toBe("kept");
  const locked = { ...keychain, remove: () => Promise.reject(new Error("locked")) };
  expect(await removeFromKeychain([entry], locked)).toMatchObject([{ path: "nvidia/work in the keychain" }]);
});

test("what is gone already is no failure, and a full folder is left", () => {
  using folder = tempFolder();
  put(folder.in("full/file"));
  mkdirSync(folder.in("empty"));
  expect(removeAll([folder.in("absent")])).toEqual([]);
  expect(removeEmpty([folder.in("full"), folder.in("empty"), folder.in("absent")])).toEqual([
    folder.in("full"),
  ]);
  expect(readFileSync(folder.in("full/file"), "utf8")).toBe("x");
});

test.each<[path: string, platform: string, expected: string]>([
  ["/usr/local/bin/orouter", "linux", "rm /usr/local/bin/orouter"],
  ["/opt/my tools/orouter", "linux", "rm '/opt/my tools/orouter'"],
  ["/usr/lib/node_modules/orouter/dist/orouter", "linux", "npm uninstall -g orouter"],
  ["C:\\Tools\\orouter.exe", "win32", 'del "C:\\Tools\\orouter.exe"'],
  ["/home/me/.bun/bin/bun", "linux", "from source"],
])("the way to remove %s on %s", (path, platform, expected) => {
  expect(programRemoval(path, platform)).toContain(expected);
});

test("what stays behind a link is named", async () => {
  using machine = tempMachine();
  const real = machine.folder.in("dotfiles-keys.toml");
  await Bun.write(real, "");
  mkdirSync(machine.folder.in("orouter"), { recursive: true });
  symlinkSync(real, machine.file("keys.toml"));
  const run = await machine.run(["uninstall", "--yes"]);
  expect(run.exitCode).toBe(0);
  expect(run.stderr).toContain(`${machine.file("keys.toml")} was a link: ${realpathSync(real)} stays.`);
  expect(existsSync(real)).toBe(true);
});
