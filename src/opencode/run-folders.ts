import { readdirSync } from "node:fs";
import { join, resolve, sep } from "node:path";

/** The folder of one run of opencode, and whether that run is still under way. */
export interface RunFolder {
  path: string;
  pid: number;
  isAlive: boolean;
}

/** How runs name their folders. */
const RUN_NAME = /^run-(\d+)-/;

/** The folders that runs have made; those of dead ones were left by a crash. */
export function runFolders(root: string): RunFolder[] {
  return namesIn(root).flatMap((name) => {
    const pid = Number(RUN_NAME.exec(name)?.[1] ?? 0);
    return pid === 0 ? [] : [{ path: join(root, name), pid, isAlive: isAlive(pid) }];
  });
}

/** Whether a file lies in the folder of some run: it is ours then, and goes with that run. */
export function isInRunFolder(root: string, file: string): boolean {
  return resolve(file).startsWith(root + sep);
}

function namesIn(root: string): string[] {
  try {
    return readdirSync(root);
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
}
