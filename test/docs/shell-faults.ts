import { existsSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { runCommand } from "../../src/cli/run-command.ts";
import { rootCommand } from "../../src/commands/root.ts";
import { nearest } from "../../src/core/text.ts";
import { hollow } from "../cli/hollow.ts";
import { ROOT } from "./pages.ts";
import type { ShellCommand } from "./shell-lines.ts";

/** What is wrong with a call of ours; undefined where the commands take it. */
export async function faultOf(words: readonly string[]): Promise<string | undefined> {
  // Everything behind `opencode` is opencode's, and the version is told before any command is looked for.
  if (["opencode", "--version"].includes(words[0] ?? "")) return undefined;
  try {
    const told = words.filter((word) => word !== "--help");
    await runCommand(hollow(rootCommand, [], ["orouter"]), told);
    return undefined;
  } catch (error) {
    return `orouter ${words.join(" ")}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

type Words = readonly string[];

/** Whether the package managers find what a sample asks them for. Both take scripts of ours; Bun takes files, too. */
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

/** What a sample may install for everyone's use: ours, and both opencodes. */
const GLOBAL = ["-g", manifest.name, "opencode-ai", "@opencode/cli"];

/** A page's own folder may hold whatever it needs, by its version. */
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

/** What is wrong with commands of a sample: ours, npm's or Bun's, each with what there is to be called. */
export async function shellFaults(commands: readonly ShellCommand[]): Promise<string[]> {
  return (await Promise.all(commands.map(shellFaultOf))).flatMap((fault) => fault ?? []);
}
