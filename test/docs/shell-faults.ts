import { existsSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { runCommand } from "../../src/cli/run-command.ts";
import { rootCommand } from "../../src/commands/root.ts";
import { nearest } from "../../src/core/text.ts";
import { AGENTS } from "../../src/harness/registry.ts";
import { hollow } from "../cli/hollow.ts";
import { ROOT } from "./pages.ts";
import type { ShellCommand } from "./shell-lines.ts";

/** Undefined if the command accepts the arguments. */
export async function faultOf(words: readonly string[]): Promise<string | undefined> {
  // Our parser never sees the arguments of an agent, and `--version` comes before any command.
  if (words[0] === "--version" || Object.hasOwn(AGENTS, words[0] ?? "")) return undefined;
  try {
    const told = words.filter((word) => word !== "--help");
    await runCommand(hollow(rootCommand, [], ["orouter"]), told);
    return undefined;
  } catch (error) {
    return `orouter ${words.join(" ")}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

type Words = readonly string[];

/** Whether npm or Bun find what a sample runs. Both accept our scripts; Bun also accepts files. */
const IS_THERE: Readonly<Record<string, (words: Words) => boolean>> = {
  npm: ([command = "", ...words]) => {
    if (command === "run") return hasScript(words[0]);
    if (command === "i" || command === "install") return installs(words);
    return ["start", "test"].includes(command)
      ? hasScript(command)
      : command === "init" || command === "pack";
  },
  bun: ([command = "", word = ""]) => {
    if (command === "run") return hasScript(word);
    return existsSync(join(ROOT, command === "test" ? word : command));
  },
};

function hasScript(name = ""): boolean {
  return Object.hasOwn(manifest.scripts, name);
}

/** What a sample may install globally: orouter, and both opencodes. */
const GLOBAL = ["-g", manifest.name, "opencode-ai", "@opencode/cli"];

/** In its own folder a page may install any package with a version. */
function installs(words: Words): boolean {
  if (words.includes("-g")) return words.every((word) => GLOBAL.includes(word));
  return words.every((word) => word.startsWith("-") || /@\d/.test(word) || existsSync(join(ROOT, word)));
}

async function shellFaultOf([program, ...words]: ShellCommand): Promise<string | undefined> {
  if (program === manifest.name || program.endsWith(`/${manifest.name}`)) return faultOf(words);
  if (["npx", "bunx"].includes(program) && words[0] === manifest.name) return faultOf(words.slice(1));
  if (program === "bun" && words[0] === "src/main.ts") return faultOf(words.slice(1));
  const isThere = IS_THERE[program]?.(words) ?? nearest(program, [manifest.name]) === undefined;
  return isThere ? undefined : [program, ...words].join(" ");
}

export async function shellFaults(commands: readonly ShellCommand[]): Promise<string[]> {
  return (await Promise.all(commands.map(shellFaultOf))).flatMap((fault) => fault ?? []);
}
