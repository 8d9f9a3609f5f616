import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Problem } from "../../src/core/problem.ts";
import { defaultSettings } from "../../src/core/settings/settings.ts";
import { opencode } from "../../src/harness/opencode/opencode.ts";
import { tempFolder } from "../config/temp-folder.ts";

function program(path: string, mode = 0o755): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "#!/bin/sh\n");
  chmodSync(path, mode);
  return path;
}

function machine() {
  const folder = tempFolder();
  const self = program(folder.in("app/orouter"));
  const locate = (env: Record<string, string> = {}, path?: string): string => {
    const settings = defaultSettings();
    return opencode.locate({
      settings: { ...settings, opencode: { ...settings.opencode, path } },
      env,
      home: folder.in("home"),
      self,
    });
  };
  return { folder, self, locate, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

test("the configured path comes before OROUTER_OPENCODE, and that before PATH", () => {
  using at = machine();
  const onPath = program(at.folder.in("bin/opencode"));
  const named = program(at.folder.in("named"));
  const configured = program(at.folder.in("configured"));
  const env = { PATH: dirname(onPath) };
  expect(at.locate(env)).toBe(onPath);
  expect(at.locate({ ...env, OROUTER_OPENCODE: named })).toBe(named);
  expect(at.locate({ ...env, OROUTER_OPENCODE: named }, configured)).toBe(configured);
});

test("an opencode on PATH that is a link to orouter itself is passed over", () => {
  using at = machine();
  mkdirSync(at.folder.in("links"));
  symlinkSync(at.self, at.folder.in("links/opencode"));
  const real = program(at.folder.in("bin/opencode"));
  expect(at.locate({ PATH: `${at.folder.in("links")}:${dirname(real)}` })).toBe(real);
});

test("a file that cannot be run is none, and opencode's own install folder is looked at last", () => {
  using at = machine();
  const plain = program(at.folder.in("bin/opencode"), 0o644);
  const installed = program(at.folder.in("home/.opencode/bin/opencode"));
  expect(at.locate({ PATH: dirname(plain) })).toBe(installed);
});

test.each([
  ["nothing anywhere", {}, undefined, "opencode 2: npm install -g @opencode/cli"],
  ["nothing anywhere, for the older one", {}, undefined, "opencode 1: npm install -g opencode-ai"],
  ["a variable that names nothing", { OROUTER_OPENCODE: "/nowhere/opencode" }, undefined, "PATH"],
  ["a setting that names nothing", {}, "~/nowhere", "setting"],
])("%s is a problem with a way out", (_name, env, configured, fix) => {
  using at = machine();
  let problem: unknown;
  try {
    at.locate(env, configured);
  } catch (error) {
    problem = error;
  }
  expect(problem).toBeInstanceOf(Problem);
  expect((problem as Problem).fix).toContain(fix);
});
