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
import { dirname } from "node:path";
import { Problem } from "../../src/core/problem.ts";
import { opencode } from "../../src/harness/opencode/opencode.ts";
import { programFacts } from "../../src/harness/run/program.ts";
import { tempFolder } from "../config/temp-folder.ts";

function machine() {
  const folder = tempFolder();
  const write = (path: string, text: string): string => {
    const file = folder.in(path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, 0o755);
    return file;
  };
  const starts = folder.in("starts");
  return {
    folder,
    write,
    /** A program that records each start. */
    program: (path: string, script: string) => write(path, `#!/bin/sh\necho "$*" >> ${starts}\n${script}\n`),
    starts: () => (existsSync(starts) ? readFileSync(starts, "utf8").trim().split("\n") : []),
    facts: (file: string, timeoutMs?: number) =>
      programFacts(file, {
        packages: opencode.packages,
        cacheDir: folder.in("cache"),
        env: { PATH: "/usr/bin:/bin" },
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

test.each<[place: string, name: string]>([
  ["lib/opencode-ai/package.json", "opencode-ai"],
  ["lib/opencode-ai/package.json", "opencode-linux-x64"],
  ["lib/opencode-ai/package.json", "@opencode/cli"],
  ["lib/opencode-ai/bin/package.json", "@opencode/cli-linux-x64-baseline"],
])(
  "the package.json at %s tells the version of %s, through links and without a start",
  async (place, name) => {
    using at = machine();
    at.program("lib/opencode-ai/bin/opencode", "echo 9.9.9");
    at.write(place, JSON.stringify({ name, version: "2.0.15" }));
    mkdirSync(at.folder.in("bin"));
    symlinkSync("../lib/opencode-ai/bin/opencode", at.folder.in("bin/opencode"));
    expect((await at.facts(at.folder.in("bin/opencode"))).version).toBe("2.0.15");
    expect(at.starts()).toEqual([]);
  },
);

test("the package.json of another program tells nothing", async () => {
  using at = machine();
  const file = at.program("project/bin/opencode", "echo opencode v2.0.15");
  at.write("project/package.json", '{"name":"my-project","version":"1.0.0"}');
  expect((await at.facts(file)).version).toBe("2.0.15");
});

test("a program is asked once, and again when its file is another", async () => {
  using at = machine();
  const file = at.program("opencode", "echo 1.18.33");
  for (const _ of [1, 2]) expect((await at.facts(file)).version).toBe("1.18.33");
  expect(at.starts()).toEqual(["--version"]);
  utimesSync(file, 1, 1);
  expect((await at.facts(file)).version).toBe("1.18.33");
  at.program("opencode", "echo opencode v2.0.16 # updated in its place");
  expect((await at.facts(file)).version).toBe("2.0.16");
  expect(at.starts()).toHaveLength(3);
});

test("a cache that is broken, or cannot be written, costs a start and no more", async () => {
  using at = machine();
  const file = at.program("opencode", "echo 2.0.15");
  at.write("cache/programs.json", "{ nonsense");
  expect((await at.facts(file)).version).toBe("2.0.15");
  at.write("blocked", "");
  const options = { packages: opencode.packages, cacheDir: at.folder.in("blocked"), env: { PATH: "/bin" } };
  expect((await programFacts(file, options)).version).toBe("2.0.15");
});

test.each<[what: string, script: string]>([
  ["says something else", "echo hello"],
  ["fails", "echo 2.0.15; exit 3"],
])("a program that %s has no version", async (_what, script) => {
  using at = machine();
  expect((await at.facts(at.program("opencode", script))).version).toBeUndefined();
});

test("a program that does not answer in time is a problem: to start it in the wrong way could do harm", async () => {
  using at = machine();
  const file = at.program("opencode", "exec sleep 60");
  const facts = at.facts(file, 200);
  await expect(facts).rejects.toBeInstanceOf(Problem);
  await expect(facts).rejects.toMatchObject({ code: "no-version", fix: expect.stringContaining(file) });
});

test("a page of help is asked for once; one that does not come is asked for again", async () => {
  using at = machine();
  const file = at.program(
    "opencode",
    '[ "$1" = --version ] && echo 2.0.15 || { [ "$1" = ask ] && echo "ask: $*"; }',
  );
  for (const _ of [1, 2]) {
    const { help } = await at.facts(file);
    expect(await help(["ask"])).toBe("ask: ask --help\n");
    expect(await help(["other"])).toBeUndefined();
  }
  expect(at.starts()).toEqual(["--version", "ask --help", "other --help", "other --help"]);
});
