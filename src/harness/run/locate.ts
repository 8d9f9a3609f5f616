import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { Problem } from "../../core/problem.ts";
import type { Settings } from "../../core/settings/settings.ts";
import type { Install, LocateOptions } from "../harness.ts";

export interface ProgramSearch {
  name: string;
  installs: readonly Install[];
  /** The table of config.toml with its `path`. */
  table: string;
  configured: (settings: Settings) => string | undefined;
  /** The folders of its own installer, below the home folder. */
  homeFolders: readonly string[];
}

/** Uses the configured path, the variable OROUTER_<NAME>, PATH, then the agent's own install folder. */
export function locateProgram(options: LocateOptions, search: ProgramSearch): string {
  const { settings, env } = options;
  const variable = variableOf(search);
  const configured = search.configured(settings);
  if (configured !== undefined)
    return mustRun(expandHome(configured, options.home), `[${search.table}] path in config.toml`);
  const fromEnv = env[variable];
  if (fromEnv) return mustRun(expandHome(fromEnv, options.home), variable);

  const self = realPath(options.self);
  const { name } = search;
  const files = process.platform === "win32" ? [`${name}.exe`, `${name}.cmd`] : [name];
  for (const folder of foldersOf(options, search)) {
    for (const one of files) {
      const file = join(folder, one);
      if (isExecutable(file) && realPath(file) !== self) return file;
    }
  }
  throw new Problem({
    code: "agent-not-found",
    what: `${name} is not on your PATH.`,
    fix: `Install it (${installsText(search.installs)}) or set ${variable}=/path/to/${name}.`,
  });
}

/** Whether config.toml or the variable names a program. */
export function isNamed(
  { settings, env }: Pick<LocateOptions, "settings" | "env">,
  search: ProgramSearch,
): boolean {
  return search.configured(settings) !== undefined || Boolean(env[variableOf(search)]);
}

function variableOf({ name }: ProgramSearch): string {
  return `OROUTER_${name.toUpperCase()}`;
}

/** Programs of the same name later in PATH. */
export function otherPrograms(
  used: string,
  options: Omit<LocateOptions, "settings">,
  search: ProgramSearch,
): string[] {
  const skipped = new Set([realPath(used), realPath(options.self)]);
  const others = new Map<string, string>();
  for (const folder of foldersOf(options, search)) {
    const file = Bun.which(search.name, { PATH: folder });
    if (file === null || skipped.has(realPath(file))) continue;
    others.set(realPath(file), file);
  }
  return [...others.values()];
}

export function installsText(installs: readonly Install[]): string {
  return installs.map(({ what, command }) => `${what}: ${command.join(" ")}`).join("; ");
}

function foldersOf({ env, home }: Omit<LocateOptions, "settings">, { homeFolders }: ProgramSearch): string[] {
  const onPath = (env["PATH"] ?? "").split(delimiter).filter(Boolean);
  return [...onPath, ...homeFolders.map((folder) => join(home, folder))];
}

function mustRun(path: string, from: string): string {
  const file = resolve(path);
  if (isExecutable(file)) return file;
  throw new Problem({
    code: "agent-not-found",
    what: `${from} names ${file}, which is not a program that can be run.`,
    fix: "Correct the path, or remove the setting to search PATH.",
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function expandHome(path: string, home: string): string {
  return path === "~" || path.startsWith("~/") ? join(home, path.slice(1)) : path;
}
