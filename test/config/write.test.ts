import { expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import {
  createFolderOf,
  fileProblem,
  linkTarget,
  withLock,
  writeFileAtomic,
} from "../../src/config/write.ts";
import { Problem } from "../../src/core/problem.ts";
import { asOrdinaryUser, modeOf, namesIn, problemOf, tempFolder } from "./temp-folder.ts";

test("a file is replaced whole, for its owner alone, with nothing left beside it", async () => {
  using folder = tempFolder();
  const file = folder.in("keys.toml");
  writeFileSync(file, "a much longer old text", { mode: 0o644 });
  await writeFileAtomic(file, "new");
  expect(readFileSync(file, "utf8")).toBe("new");
  expect(modeOf(file)).toBe(0o600);
  expect(namesIn(folder.path)).toEqual(["keys.toml"]);
});

test("a link is followed, and stays a link", async () => {
  using folder = tempFolder();
  mkdirSync(folder.in("dotfiles"));
  symlinkSync("dotfiles/real.toml", folder.in("step.toml"));
  symlinkSync("step.toml", folder.in("config.toml"));
  await writeFileAtomic(folder.in("config.toml"), "first");
  await writeFileAtomic(folder.in("config.toml"), "second");
  expect(readlinkSync(folder.in("config.toml"))).toBe("step.toml");
  expect(readFileSync(folder.in("dotfiles/real.toml"), "utf8")).toBe("second");
  expect(namesIn(folder.in("dotfiles"))).toEqual(["real.toml"]);
});

test("two ways to one file have one target", async () => {
  using folder = tempFolder();
  mkdirSync(folder.in("real"));
  symlinkSync("real", folder.in("alias"));
  expect(await linkTarget(folder.in("alias/config.toml"))).toBe(
    await linkTarget(folder.in("real/config.toml")),
  );
});

test("links in a circle are a problem", async () => {
  using folder = tempFolder();
  symlinkSync("b.toml", folder.in("a.toml"));
  symlinkSync("a.toml", folder.in("b.toml"));
  const problem = await problemOf(writeFileAtomic(folder.in("a.toml"), "x"));
  expect(problem.message).toContain("links lead in a circle");
});

test("a write that fails at its last step leaves the old things and no temp file", async () => {
  using folder = tempFolder();
  mkdirSync(folder.in("config.toml"));
  writeFileSync(folder.in("config.toml/inside"), "old");
  const problem = await problemOf(writeFileAtomic(folder.in("config.toml"), "new"));
  expect(problem.code).toBe("cannot-write");
  expect(namesIn(folder.path)).toEqual(["config.toml"]);
  expect(namesIn(folder.in("config.toml"))).toEqual(["inside"]);
});

test("a folder that may not be written to is a problem with a next step, and the file stays", async () => {
  using folder = tempFolder();
  const file = folder.in("config.toml");
  writeFileSync(file, "old");
  chmodSync(folder.path, 0o555);
  const problem = await asOrdinaryUser(() => problemOf(writeFileAtomic(file, "new")));
  chmodSync(folder.path, 0o755);
  expect(problem.message).toBe(`Cannot write ${file}: permission denied.`);
  expect(problem.fix).toContain("folder");
  expect(readFileSync(file, "utf8")).toBe("old");
  expect(namesIn(folder.path)).toEqual(["config.toml"]);
});

test("a folder is created for its owner alone, with those above it", () => {
  using folder = tempFolder();
  createFolderOf(folder.in("a/b/keys.toml"));
  expect([modeOf(folder.in("a")), modeOf(folder.in("a/b"))]).toEqual([0o700, 0o700]);
});

test.each<[errno: string, said: RegExp, next: RegExp]>([
  ["ENOSPC", /the disk is full/, /Free some space/],
  ["EROFS", /the disk is read-only/, /OROUTER_HOME/],
  ["EACCES", /permission denied/, /who owns/],
  ["EBUSY", /EBUSY/, /run it again/],
])("%s is told in words", (errno, said, next) => {
  const error = Object.assign(new Error("system words"), { code: errno });
  const problem = fileProblem({ code: "cannot-write", doing: "write", file: "FILE" }, error);
  expect(problem).toBeInstanceOf(Problem);
  if (!(problem instanceof Problem)) return;
  expect(problem.message).toMatch(said);
  expect(problem.fix).toMatch(next);
});

test("an error that is no system error is left as it is", () => {
  const bug = new TypeError("a bug");
  expect(fileProblem({ code: "cannot-write", doing: "write", file: "FILE" }, bug)).toBe(bug);
});

test("an edit as root leaves the file, its lock and a new file to the owner of the folder or the file", async () => {
  if (process.geteuid?.() !== 0) return;
  using temp = tempFolder();
  const owner = 4711;
  chownSync(temp.path, owner, owner);
  const file = temp.in("config.toml");
  await withLock(file, () => writeFileAtomic(file, "first\n"));
  chownSync(file, owner, 4712);
  const of = (name: string) => statSync(temp.in(name));
  await withLock(file, async () => {
    // A killed edit leaves its lock, and the user must be able to take it.
    expect(of(".config.toml.lock").uid).toBe(owner);
    await writeFileAtomic(file, "second\n");
  });
  expect([of("config.toml").uid, of("config.toml").gid]).toEqual([owner, 4712]);
});

test("what a killed edit has left beside the target of a link is swept", async () => {
  using temp = tempFolder();
  mkdirSync(temp.in("dotfiles"));
  writeFileSync(temp.in("dotfiles/real.toml"), "");
  symlinkSync("dotfiles/real.toml", temp.in("config.toml"));
  const left = temp.in(`dotfiles/.real.toml.${crypto.randomUUID()}.tmp`);
  writeFileSync(left, "half");
  utimesSync(left, 1, 1);
  await withLock(temp.in("config.toml"), () => writeFileAtomic(temp.in("config.toml"), "whole\n"));
  expect(existsSync(left)).toBe(false);
  expect(readFileSync(temp.in("dotfiles/real.toml"), "utf8")).toBe("whole\n");
});
