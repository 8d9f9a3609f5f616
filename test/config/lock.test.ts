import { expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { withLock } from "../../src/config/write.ts";
import { tryLock } from "../../src/sqlite/lock.ts";
import { until } from "../store/samples.ts";
import { asOrdinaryUser, namesIn, problemOf, tempFolder } from "./temp-folder.ts";

const LOCK_MODULE = join(import.meta.dir, "../../src/config/write.ts");

/** A process that runs a script with `withLock` and `file` in scope. */
function start(script: string, file: string, command: readonly string[] = []) {
  const text = `import { readFileSync, writeFileSync } from "node:fs";
    import { withLock } from ${JSON.stringify(LOCK_MODULE)};
    const file = ${JSON.stringify(file)};
    ${script}`;
  return Bun.spawn([...command, process.execPath, "-e", text], { stdout: "pipe", stderr: "inherit" });
}

/** Increments the number in the file ten times, with one lock each. */
const COUNT = `for (let i = 0; i < 10; i++) {
  await withLock(file, async () => {
    const before = Number(readFileSync(file, "utf8"));
    await Promise.resolve();
    writeFileSync(file, String(before + 1));
  }, 60_000);
}`;

test("the lock file is there while the work runs, and gone after it, also when the work fails", async () => {
  using folder = tempFolder();
  const during = await withLock(folder.in("f"), async () => namesIn(folder.path));
  expect(during).toEqual([".f.lock"]);
  await expect(withLock(folder.in("f"), () => Promise.reject(new Error("oops")))).rejects.toThrow("oops");
  await withLock(folder.in("f"), async () => undefined);
  expect(namesIn(folder.path)).toEqual([]);
});

test("work on one file never overlaps, while work on another file goes on", async () => {
  using folder = tempFolder();
  let open = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    open++;
    most = Math.max(most, open);
    await withLock(folder.in("g"), async () => undefined);
    open--;
  };
  await Promise.all(Array.from({ length: 8 }, () => withLock(folder.in("f"), work)));
  expect(most).toBe(1);
});

test("two paths to one file are one lock", async () => {
  using folder = tempFolder();
  mkdirSync(folder.in("real"));
  symlinkSync(folder.in("real"), folder.in("folder-link"));
  symlinkSync("real/f", folder.in("f-link"));
  for (const path of ["real/f", "folder-link/f", "f-link"]) {
    const locked = await withLock(folder.in("real/f"), () =>
      problemOf(withLock(folder.in(path), async () => undefined, 0)),
    );
    expect(locked.code).toBe("file-locked");
  }
});

test("counting up from twelve processes at once loses nothing", async () => {
  using folder = tempFolder();
  const file = folder.in("count");
  writeFileSync(file, "0");
  const children = Array.from({ length: 12 }, () => start(COUNT, file));
  expect(await Promise.all(children.map((child) => child.exited))).toEqual(children.map(() => 0));
  expect(readFileSync(file, "utf8")).toBe("120");
  expect(namesIn(folder.path)).toEqual(["count"]);
});

test("nor does counting up from processes that cannot see each other", async () => {
  const unshare = ["unshare", "--pid", "--fork"];
  if (Bun.which("unshare") === null || Bun.spawnSync([...unshare, "true"]).exitCode !== 0) {
    console.log("PID namespaces: not tried, unshare is missing or needs root.");
    return;
  }
  using folder = tempFolder();
  const file = folder.in("count");
  writeFileSync(file, "0");
  // Each of them has pid 1 in its own namespace.
  const children = Array.from({ length: 12 }, () => start(COUNT, file, unshare));
  expect(await Promise.all(children.map((child) => child.exited))).toEqual(children.map(() => 0));
  expect(readFileSync(file, "utf8")).toBe("120");
});

test("a process that is killed while it holds the lock frees it", async () => {
  using folder = tempFolder();
  const file = folder.in("f");
  const child = start(
    `await withLock(file, async () => { writeFileSync(file, ""); await Bun.sleep(60_000); });`,
    file,
  );
  await until(() => existsSync(file));
  expect((await problemOf(withLock(file, async () => "done", 0))).code).toBe("file-locked");
  child.kill("SIGKILL");
  await child.exited;
  expect(await withLock(file, async () => "done")).toBe("done");
  expect(namesIn(folder.path)).toEqual(["f"]);
});

test("a lock that is not freed in time ends in a problem that names the file", async () => {
  using folder = tempFolder();
  const held = tryLock(folder.in(".f.lock"));
  const problem = await problemOf(withLock(folder.in("f"), async () => "done", 50));
  expect(problem.code).toBe("file-locked");
  expect(problem.message).toContain(folder.in("f"));
  held?.release();
  expect(await withLock(folder.in("f"), async () => "done", 0)).toBe("done");
});

test.each([
  ["is a folder", (path: string) => mkdirSync(path)],
  ["is no database", (path: string) => writeFileSync(path, "something else ".repeat(100))],
])("a lock file that %s is a problem that names it", async (_name, put) => {
  using folder = tempFolder();
  put(folder.in(".f.lock"));
  const problem = await problemOf(withLock(folder.in("f"), async () => "done", 0));
  expect(problem.code).toBe("cannot-lock");
  expect(problem.fix).toContain(folder.in(".f.lock"));
});

test("in a folder that is not ours to write to, the problem says so", async () => {
  using folder = tempFolder();
  chmodSync(folder.path, 0o555);
  const problem = await asOrdinaryUser(() => problemOf(withLock(folder.in("f"), async () => "done", 0)));
  chmodSync(folder.path, 0o755);
  expect(problem.code).toBe("cannot-write");
  expect(problem.message).toContain("permission denied");
});

test("what killed processes and earlier versions have left is removed once it is old, and nothing else", async () => {
  using folder = tempFolder();
  const old = [
    "f.lock",
    "f.lock.77.stale",
    ".f.4711.0a1b2c3d.tmp",
    ".f.01234567-89ab-cdef-0123-456789abcdef.tmp",
  ];
  const foreign = { "f.lock.mine": "77 host\n", ".f.notes.tmp": "x", ".g.0a1b2c3d.tmp": "x" };
  const lock = `77 a.host ${crypto.randomUUID()}\n`;
  for (const name of old) writeFileSync(folder.in(name), name.includes("lock") ? lock : "half");
  for (const [name, text] of Object.entries(foreign)) writeFileSync(folder.in(name), text);
  await withLock(folder.in("f"), async () => undefined);
  expect(namesIn(folder.path)).toEqual([...old, ...Object.keys(foreign)].sort());
  for (const name of namesIn(folder.path)) utimesSync(folder.in(name), 1, 1);
  await withLock(folder.in("f"), async () => undefined);
  expect(namesIn(folder.path)).toEqual(Object.keys(foreign).sort());
});

test("a file of the user's that is called like an old lock stays", async () => {
  using folder = tempFolder();
  writeFileSync(folder.in("f.lock"), "a lock file of another program");
  utimesSync(folder.in("f.lock"), 1, 1);
  await withLock(folder.in("f"), async () => undefined);
  expect(namesIn(folder.path)).toEqual(["f.lock"]);
});
