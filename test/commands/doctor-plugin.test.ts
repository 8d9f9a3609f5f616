import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { checkPlugin } from "../../src/commands/doctor/check-opencode.ts";
import { type Finding, readContext } from "../../src/commands/doctor/doctor-context.ts";
import { watchPlugin } from "../../src/commands/run-agent.ts";
import { resolvePaths } from "../../src/config/paths.ts";
import type { Harness } from "../../src/harness/harness.ts";
import { writePluginMark } from "../../src/harness/opencode/run-config.ts";
import { opencode2 } from "../../src/harness/opencode2/opencode2.ts";
import { withPair } from "../proxy/rig.ts";
import { tempMachine } from "./orouter.ts";

const NOW = Date.UTC(2026, 10, 21, 12);

async function findings(
  machine: ReturnType<typeof tempMachine>,
  env: Record<string, string> = {},
  harness: Harness | undefined = undefined,
): Promise<Finding[]> {
  const at = { env: { ...machine.env, ...env }, home: machine.folder.path, cwd: machine.folder.path };
  const { context } = await readContext(at);
  return checkPlugin(context, harness, NOW);
}

const levels = (all: readonly Finding[]): string[] => all.map(({ check, level }) => `${check} ${level}`);

test("a plugin that nothing is known against is fine, and so is none at all", async () => {
  using machine = tempMachine();
  expect(levels(await findings(machine))).toEqual(["plugin ok"]);
  expect(levels(await findings(machine, { OPENCODE_PURE: "1" }))).toEqual(["plugin note"]);
  await machine.write("config.toml", "[opencode]\nplugin = false\n");
  expect(await findings(machine)).toMatchObject([
    { level: "ok", what: expect.stringContaining("turned off in config.toml") },
  ]);
});

test("a run that had to do without the plugin is told of, until one has it again", async () => {
  using machine = tempMachine();
  const { cacheDir } = resolvePaths(machine.env);
  writePluginMark(cacheDir, NOW - 60_000);
  const [finding] = await findings(machine);
  expect(finding).toMatchObject({ level: "wrong", what: expect.stringContaining("everything else works") });
  expect(finding?.fix).toContain("plugin = false");
  writePluginMark(cacheDir, undefined);
  expect(levels(await findings(machine))).toEqual(["plugin ok"]);
});

test("what a server plugin costs at start is told where one is asked for", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", "[opencode]\nshell_keys = true\ntools = true\n");
  const told = async (): Promise<string> => (await findings(machine))[1]?.what ?? "";
  expect(await told()).toStartWith("shell_keys and tools under [opencode]: opencode installs");
  mkdirSync(machine.folder.in(".config/opencode/node_modules/@opencode-ai/plugin"), { recursive: true });
  expect(await told()).toContain("starting takes no longer");
  expect(levels(await findings(machine, {}, opencode2))).toEqual(["plugin ok"]);
});

test("outside a terminal's interface the plugin is not missed", () =>
  withPair({ reply: () => ({ kind: "answer", text: "fine" }) }, async (rig) => {
    using machine = tempMachine();
    const { cacheDir } = resolvePaths(machine.env);
    const watch = watchPlugin({ isShown: false, cacheDir });
    watch.follow(rig.router);
    await (await rig.ask()).text();
    watch.settle();
    expect(levels(await findings(machine))).toEqual(["plugin ok"]);
  }));
