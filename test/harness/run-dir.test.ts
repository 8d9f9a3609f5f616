import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRunDir } from "../../src/harness/run/run-dir.ts";
import { tempFolder } from "../config/temp-folder.ts";

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

test("folders of dead runs are swept, those of running ones and strange names are not", () => {
  using folder = tempFolder();
  const root = folder.in("orouter");
  for (const name of ["run-99999999-dead", `run-${process.ppid}-alive`, "something-else"]) {
    mkdirSync(`${root}/${name}`, { recursive: true });
  }
  const run = createRunDir(root);
  const names = readdirSync(root);
  expect(names).not.toContain("run-99999999-dead");
  expect(names).toContain(`run-${process.ppid}-alive`);
  expect(names).toContain("something-else");
  run.remove();
});

test("a root that cannot be made is a problem that names it", () => {
  using folder = tempFolder();
  writeFileSync(folder.in("file"), "");
  expect(() => createRunDir(folder.in("file/orouter"))).toThrow(folder.in("file/orouter"));
});
