import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { ToolCall } from "../../src/demo/reply.ts";
import { opencodeBinary } from "./binary.ts";

/** A real opencode that scenarios run with. */
export interface OpencodeProgram {
  file: string;
  version: string;
  major: 1 | 2;
}

/** Where the majors differ in what a scenario types or reads. */
export interface ProgramWords {
  /** `opencode run` without orouter that leaves nothing running. */
  bareRun: readonly string[];
  /** The flag of `run` that names a running server. */
  attach: string;
  /** A call of the tool that runs a shell command. */
  shell: (command: string) => ToolCall;
  /** The error part of one line of `--format json`. */
  jsonError: object;
}

const WORDS: Record<OpencodeProgram["major"], ProgramWords> = {
  1: {
    bareRun: ["run"],
    attach: "--attach",
    shell: (command) => ({ name: "bash", arguments: JSON.stringify({ command, description: "Run it" }) }),
    jsonError: { name: "APIError", data: { statusCode: 400, isRetryable: false } },
  },
  2: {
    bareRun: ["run", "--standalone"],
    attach: "--server",
    shell: (command) => ({ name: "shell", arguments: JSON.stringify({ command, description: "Run it" }) }),
    jsonError: { type: "provider.invalid-request", status: 400 },
  },
};

export function wordsOf({ major }: OpencodeProgram): ProgramWords {
  return WORDS[major];
}

/** The opencode of the lockfile. */
export function lockedOpencode(): OpencodeProgram {
  return programAt(opencodeBinary());
}

/** The lockfile's opencode and the opencode 2 of OROUTER_TEST_OPENCODE2; with OROUTER_TEST_OPENCODE only that one. */
export function testedPrograms(env: Record<string, string | undefined> = process.env): OpencodeProgram[] {
  const { OROUTER_TEST_OPENCODE: only, OROUTER_TEST_OPENCODE2: second } = env;
  if (only) return [programAt(only)];
  return [lockedOpencode(), ...(second ? [programAt(second)] : [])];
}

const known = new Map<string, OpencodeProgram>();

/** Reads the version of a program once. */
export function programAt(path: string): OpencodeProgram {
  const file = resolve(path);
  const program = known.get(file) ?? { file, ...versionOf(file) };
  known.set(file, program);
  return program;
}

function versionOf(file: string): Pick<OpencodeProgram, "version" | "major"> {
  const { stdout, exitCode } = Bun.spawnSync([file, "--version"], { stdin: "ignore" });
  const said = stdout.toString().trim();
  // opencode 1 prints only the number, opencode 2 its name before it.
  const version = said.split(/\s+v?/).at(-1) ?? "";
  if (exitCode !== 0 || !/^\d+\.\d+\.\d+/.test(version))
    throw new Error(`${file} --version says ${JSON.stringify(said)}: not an opencode`);
  const isSecond = Number.parseInt(version, 10) >= 2 || /^0\.0\.0-(?:next|beta|dev)/.test(version);
  return { version, major: isSecond ? 2 : 1 };
}

/** A folder for PATH in which the program is called `opencode`. */
export function pathFolder({ file }: OpencodeProgram, folder: string): string {
  if (basename(file) === "opencode") return dirname(file);
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  symlinkSync(file, join(folder, "opencode"));
  return folder;
}
