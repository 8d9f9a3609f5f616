import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { orouterBinary } from "./binary.ts";
import { e2eMachine, standIn } from "./machine.ts";
import { openTerminal } from "./terminal.ts";

test("a project's bunfig.toml and .env mean nothing to orouter", async () => {
  using machine = e2eMachine();
  machine.write("home/.config/orouter/config.toml", "");
  const marker = machine.folder.in("preloaded");
  machine.write("project/bunfig.toml", 'preload = ["./preload.ts"]\n');
  machine.write("project/preload.ts", `await Bun.write(${JSON.stringify(marker)}, "x");\n`);
  machine.write("project/.env", "OLLAMA_API_KEY=secret-of-a-project\n");
  const run = await machine.orouter(["keys", "list", "--json"]);
  expect(run.exitCode).toBe(0);
  expect(JSON.parse(run.stdout)).toEqual({ keys: [] });
  expect(existsSync(marker)).toBe(false);
});

test("without a key and without a terminal it ends with 4 and the ways to a key", async () => {
  using machine = e2eMachine();
  machine.write("home/.config/orouter/config.toml", "");
  const run = await machine.orouter(["opencode", "run", "hi"], { env: standIn(machine, "echo ran") });
  expect(run.exitCode).toBe(4);
  expect(run.stdout).toBe("");
  expect(run.stderr).toContain("orouter keys add");
});

test("a missing opencode is said with the way to get it", async () => {
  using machine = e2eMachine();
  const run = await machine.orouter(["opencode"], {
    env: { PATH: "/usr/bin:/bin", OLLAMA_API_KEY: "a-secret" },
  });
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toContain("npm install -g @opencode/cli");
  expect(run.stderr).toContain("npm install -g opencode-ai");
});

test.each([
  ["opencode 2", "install -g @opencode/cli"],
  ["opencode 1", "install -g opencode-ai"],
])("where opencode is missing, %s can be installed and is started", async (what, words) => {
  using machine = e2eMachine();
  const installed = join(machine.home, ".opencode/bin/opencode");
  // A stand-in for npm, which installs a program that records how it was started.
  machine.write(
    "bin/npm",
    `#!/bin/sh\necho "npm $*"\nmkdir -p ${dirname(installed)}\nprintf '#!/bin/sh\\necho "started: $*"\\n' > ${installed}\nchmod 755 ${installed}\n`,
    0o700,
  );
  const terminal = openTerminal([orouterBinary(), "opencode", "auth", "list"], machine.project, {
    ...machine.env,
    PATH: `${machine.folder.in("bin")}:/usr/bin:/bin`,
  });
  await terminal.choose(`Install ${what}`);
  await terminal.sees(`npm ${words}`);
  await terminal.sees("started: auth list");
  await terminal.child.exited;
  expect(terminal.child.exitCode).toBe(0);
});
