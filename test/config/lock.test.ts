import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { withLock } from "../../src/config/lock.ts";
import { namesIn, problemOf, tempFolder } from "./temp-folder.ts";

/** A process that has ended: its number is free, or at least not ours. */
async function deadPid(): Promise<number> {
  const child = Bun.spawn([process.execPath, "--version"], { stdout: "ignore" });
  await child.exited;
  return child.pid;
}

test("the lock is there while the work runs, and gone after it, also when the work fails", async () => {
  using folder = tempFolder();
  const during = await withLock(folder.in("f"), async () => namesIn(folder.path));
  expect(during).toEqual(["f.lock"]);
  await expect(withLock(folder.in("f"), () => Promise.reject(new Error("oops")))).rejects.toThrow("oops");
  await withLock(folder.in("f"), async () => undefined);
  expect(namesIn(folder.path)).toEqual([]);
});

test("work on one file never overlaps", async () => {
  using folder = tempFolder();
  let open = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    open++;
    most = Math.max(most, open);
    await Promise.resolve();
    await new Promise(setImmediate);
    open--;
  };
  await Promise.all(Array.from({ length: 8 }, () => withLock(folder.in("f"), work)));
  expect(most).toBe(1);
});

test("counting up from several processes loses nothing", async () => {
  using folder = tempFolder();
  const file = folder.in("count");
  writeFileSync(file, "0");
  const script = `
    import { readFileSync, writeFileSync } from "node:fs";
    import { withLock } from ${JSON.stringify(new URL("../../src/config/lock.ts", import.meta.url).pathname)};
    for (let i = 0; i < 10; i++) {
      await withLock(process.env.COUNT_FILE, async () => {
        const before = Number(readFileSync(process.env.COUNT_FILE, "utf8"));
        await Promise.resolve();
        writeFileSync(process.env.COUNT_FILE, String(before + 1));
      }, 60_000);
    }`;
  const children = [1, 2, 3].map(() =>
    Bun.spawn([process.execPath, "-e", script], { env: { ...process.env, COUNT_FILE: file } }),
  );
  expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0, 0]);
  expect(readFileSync(file, "utf8")).toBe("30");
}, 60_000);

test("a lock whose owner is dead is taken over", async () => {
  using folder = tempFolder();
  writeFileSync(folder.in("f.lock"), `${await deadPid()} ${hostname()} x\n`);
  expect(await withLock(folder.in("f"), async () => "done", 0)).toBe("done");
  expect(namesIn(folder.path)).toEqual([]);
});

test("a lock that nobody signed is taken over once it is old", async () => {
  using folder = tempFolder();
  writeFileSync(folder.in("f.lock"), "");
  const problem = await problemOf(withLock(folder.in("f"), async () => "done", 0));
  expect(problem.code).toBe("file-locked");
  utimesSync(folder.in("f.lock"), 1, 1);
  expect(await withLock(folder.in("f"), async () => "done", 0)).toBe("done");
});

test.each<[owner: string, said: string]>([
  [`${process.pid} ${hostname()}`, `process ${process.pid}, which`],
  ["1 another.example", "process 1 on another.example, which"],
])("a lock of a living owner, %p, is waited for and then named", async (owner, said) => {
  using folder = tempFolder();
  writeFileSync(folder.in("f.lock"), `${owner} x\n`);
  const problem = await problemOf(withLock(folder.in("f"), async () => "done", 0));
  expect(problem.code).toBe("file-locked");
  expect(problem.message).toContain(said);
  expect(problem.fix).toContain(folder.in("f.lock"));
  expect(readFileSync(folder.in("f.lock"), "utf8")).toContain(owner);
});

test("a lock that is no file at all ends in a problem, not in an endless wait", async () => {
  using folder = tempFolder();
  mkdirSync(folder.in("f.lock"));
  expect((await problemOf(withLock(folder.in("f"), async () => "done", 0))).code).toBe("file-locked");
});
