import { expect, test } from "bun:test";
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tryLeftLock, tryLock } from "../../src/sqlite/lock.ts";
import { modeOf, namesIn, tempFolder } from "../config/temp-folder.ts";
import { until } from "../store/samples.ts";

const MODULE = JSON.stringify(join(import.meta.dir, "../../src/sqlite/lock.ts"));

/** Another process that takes a lock and holds it. */
function holder(file: string) {
  const script = `import { tryLock } from ${MODULE}; import { writeFileSync } from "node:fs";
    const held = tryLock(${JSON.stringify(file)});
    writeFileSync(${JSON.stringify(`${file}.told`)}, String(held !== undefined)); await Bun.sleep(60_000);`;
  return Bun.spawn([process.execPath, "-e", script], { stdout: "ignore", stderr: "inherit" });
}

test("a lock is for one at a time, in one process and between processes", async () => {
  using folder = tempFolder();
  const file = folder.in("a/lock");
  const held = tryLock(file);
  expect([held !== undefined, tryLock(file), tryLeftLock(file)]).toEqual([true, undefined, "held"]);
  const script = `import { tryLeftLock, tryLock } from ${MODULE};
    console.log(tryLock(${JSON.stringify(file)}) === undefined, tryLeftLock(${JSON.stringify(file)}));`;
  const other = Bun.spawnSync([process.execPath, "-e", script]);
  expect(other.stdout.toString()).toBe("true held\n");
  // Looking at the lock did not free it.
  expect(tryLock(file)).toBeUndefined();
  held?.release();
  const next = tryLock(file);
  expect(next).toBeDefined();
  next?.release();
});

test("only the owner can see the lock file, which is empty, alone, and goes with the lock", () => {
  using folder = tempFolder();
  const file = folder.in("a/lock");
  const held = tryLock(file);
  expect([modeOf(folder.in("a")), modeOf(file), Bun.file(file).size]).toEqual([0o700, 0o600, 0]);
  expect(namesIn(folder.in("a"))).toEqual(["lock"]);
  held?.release();
  expect(namesIn(folder.in("a"))).toEqual([]);
});

test("a lock whose holder was killed is free, and can be told from one that is held", async () => {
  using folder = tempFolder();
  const file = folder.in("lock");
  const child = holder(file);
  await until(() => existsSync(`${file}.told`));
  expect(tryLeftLock(file)).toBe("held");
  child.kill("SIGKILL");
  await child.exited;
  const left = tryLeftLock(file);
  if (typeof left === "string") throw new Error(left);
  expect(tryLock(file)).toBeUndefined();
  left.letGo();
  expect(existsSync(file)).toBe(true);
});

test("where there is no lock file, or another file in its place, there is no lock", () => {
  using folder = tempFolder();
  expect(tryLeftLock(folder.in("none"))).toBe("none");
  writeFileSync(folder.in("text"), "not a lock ".repeat(100));
  expect(tryLeftLock(folder.in("text"))).toBe("none");
  expect(namesIn(folder.path)).toEqual(["text"]);
});

test("a lock on a file that has lost its name keeps nobody from the new one", () => {
  using folder = tempFolder();
  const file = folder.in("lock");
  const old = tryLock(file);
  renameSync(file, folder.in("elsewhere"));
  const fresh = tryLock(file);
  expect(fresh).toBeDefined();
  fresh?.release();
  old?.letGo();
});
