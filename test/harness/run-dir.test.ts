import { expect, test } from "bun:test";
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createRunDir, runFolders } from "../../src/harness/run/run-dir.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { until } from "../store/samples.ts";

test("the folder and its files are for us alone, and nothing is left of them", () => {
  using folder = tempFolder();
  const run = createRunDir(folder.in("orouter"));
  const file = run.write("token", "abc");
  expect(readFileSync(file, "utf8")).toBe("abc");
  expect(statSync(run.path).mode & 0o777).toBe(0o700);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  run.remove();
  expect(existsSync(folder.in("orouter"))).toBe(false);
});

test("a file that is read meanwhile is replaced at once, and stays as it was where there is no room", () => {
  using folder = tempFolder();
  const run = createRunDir(folder.in("orouter"));
  const file = run.write("opencode.json", "old");
  run.replace("opencode.json", "new");
  expect(readFileSync(file, "utf8")).toBe("new");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  mkdirSync(`${file}.new`);
  expect(() => run.replace("opencode.json", "newer")).toThrow("cannot be written");
  expect(readFileSync(file, "utf8")).toBe("new");
  run.remove();
});

test("two runs share the root; the first to end leaves the other its folder", () => {
  using folder = tempFolder();
  const first = createRunDir(folder.in("orouter"));
  const second = createRunDir(folder.in("orouter"));
  first.remove();
  expect(readdirSync(folder.in("orouter"))).toHaveLength(1);
  second.remove();
  expect(existsSync(folder.in("orouter"))).toBe(false);
});

function runName(letter: string): string {
  return `run-${letter.repeat(22)}`;
}

test("a folder's name cannot be guessed", () => {
  using folder = tempFolder();
  const runs = [createRunDir(folder.in("orouter")), createRunDir(folder.in("orouter"))];
  const names = readdirSync(folder.in("orouter"));
  for (const name of names) expect(name).toMatch(/^run-[\w-]{22}$/);
  expect(new Set(names).size).toBe(2);
  for (const run of runs) run.remove();
});

test("folders of killed runs are swept, whatever process has their number now; those of running ones are not", async () => {
  using folder = tempFolder();
  const root = folder.in("orouter");
  const children = [1, 2].map(() => otherRun(root));
  await until(() => runFolders(root).length === 2 && runFolders(root).every(({ isAlive }) => isAlive));
  const [killed, running] = children;
  killed?.kill("SIGKILL");
  await killed?.exited;
  expect(
    runFolders(root)
      .map(({ isAlive }) => isAlive)
      .sort(),
  ).toEqual([false, true]);
  const dead = runFolders(root).find(({ isAlive }) => !isAlive)?.path ?? "";
  const run = createRunDir(root);
  expect(existsSync(dead)).toBe(false);
  expect(runFolders(root).map(({ isAlive }) => isAlive)).toEqual([true, true]);
  running?.kill("SIGKILL");
  await running?.exited;
  run.remove();
});

test("only folders that are provably of a dead run are swept", () => {
  using folder = tempFolder();
  const root = folder.in("orouter");
  const kept = [runName("a"), runName("b"), "run-4711-abcdef", "run-other", "something-else"];
  for (const name of [...kept, runName("c")]) mkdirSync(join(root, name), { recursive: true });
  // A name proves nothing, and neither does a file that is not a lock, or a lock elsewhere.
  writeFileSync(join(root, runName("b"), "lock"), "not a lock ".repeat(100));
  for (const name of ["run-4711-abcdef", "run-other", "something-else", runName("c")])
    writeFileSync(join(root, name, "lock"), "");
  symlinkSync(folder.path, join(root, runName("d")));
  writeFileSync(folder.in("lock"), "");
  createRunDir(root).remove();
  expect(readdirSync(root).sort()).toEqual([...kept, runName("d")].sort());
  expect(readdirSync(folder.path).sort()).toEqual(["lock", "orouter"]);
});

test("the folder of another user is not swept", () => {
  if (process.getuid?.() !== 0) {
    console.log("a folder of another user: not tried, only root can make one.");
    return;
  }
  using folder = tempFolder();
  const root = folder.in("orouter");
  mkdirSync(join(root, runName("a")), { recursive: true });
  writeFileSync(join(root, runName("a"), "lock"), "");
  chownSync(join(root, runName("a")), 65_534, 65_534);
  createRunDir(root).remove();
  expect(readdirSync(root)).toEqual([runName("a")]);
});

test("runs that start at once while others sweep all get a folder and keep it", async () => {
  using folder = tempFolder();
  const root = folder.in("orouter");
  const children = Array.from({ length: 6 }, () => otherRun(root, 30));
  expect(await Promise.all(children.map((child) => child.exited))).toEqual(children.map(() => 0));
  expect(existsSync(root)).toBe(false);
});

/** Another process with a run folder; first it makes and removes this many others. */
function otherRun(root: string, times = 0) {
  const module = JSON.stringify(join(import.meta.dir, "../../src/harness/run/run-dir.ts"));
  const script = `import { existsSync } from "node:fs"; import { createRunDir } from ${module};
    for (let i = 0; i < ${times}; i++) {
      const run = createRunDir(${JSON.stringify(root)});
      run.write("token", "t");
      await Promise.resolve();
      if (!existsSync(run.path + "/token")) throw new Error("the folder was taken away");
      run.remove();
    }
    if (${times} === 0) { createRunDir(${JSON.stringify(root)}); await Bun.sleep(60_000); }`;
  return Bun.spawn([process.execPath, "-e", script], { stdout: "ignore", stderr: "inherit" });
}

test("a root that cannot be made is a problem that names it", () => {
  using folder = tempFolder();
  writeFileSync(folder.in("file"), "");
  expect(() => createRunDir(folder.in("file/orouter"))).toThrow(folder.in("file/orouter"));
});
