import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { Problem } from "../../core/problem.ts";
import type { Install, LocateOptions } from "../harness.ts";

/** Finds the opencode to run: the configured path, OROUTER_OPENCODE, PATH, then opencode's own install folder. */
export function locateOpencode(options: LocateOptions, installs: readonly Install[]): string {
  const { settings, env } = options;
  const configured = settings.opencode.path;
  if (configured !== undefined)
    return mustRun(expandHome(configured, options.home), "[opencode] path in config.toml");
  const fromEnv = env["OROUTER_OPENCODE"];
  if (fromEnv) return mustRun(expandHome(fromEnv, options.home), "OROUTER_OPENCODE");

  const self = realPath(options.self);
  const names = process.platform === "win32" ? ["opencode.exe", "opencode.cmd"] : ["opencode"];
  const folders = [
    ...(env["PATH"] ?? "").split(delimiter).filter(Boolean),
    join(options.home, ".opencode", "bin"),
  ];
  for (const folder of folders) {
    for (const name of names) {
      const file = join(folder, name);
      if (isExecutable(file) && realPath(file) !== self) return file;
    }
  }
  throw new Problem({
    code: "agent-not-found",
    what: "opencode is not on your PATH.",
    fix: `Install it (${installsText(installs)}) or set OROUTER_OPENCODE=/path/to/opencode.`,
  });
}

/** The commands that install it, in a sentence. */
export function installsText(installs: readonly Install[]): string {
  return installs.map(({ what, command }) => `${what}: ${command.join(" ")}`).join("; ");
}

function mustRun(path: string, from: string): string {
  const file = resolve(path);
  if (isExecutable(file)) return file;
  throw new Problem({
    code: "agent-not-found",
    what: `${from} names ${file}, which is not a program that can be run.`,
    fix: "Correct the path, or take the setting out so that PATH is searched.",
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
