import { readdirSync } from "node:fs";
import { join } from "node:path";

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
