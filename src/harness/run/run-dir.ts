import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve, sep } from "node:path";
import { Problem } from "../../core/problem.ts";

/** The folder of one run: it holds the token file and what opencode is given to read, and goes with the run. */
export interface RunDir {
  path: string;
  write: (name: string, content: string) => string;
  /** Puts another content in the place of one that somebody may be reading; it fails where there is no room for it. */
  replace: (name: string, content: string) => void;
  remove: () => void;
}

/** Makes the run's folder (0700) under `root`, after sweeping what crashed runs left there. */
export function createRunDir(root: string): RunDir {
  const path = makeFolder(root);
  return {
    path,
    write(name, content) {
      const file = join(path, name);
      try {
        writeFileSync(file, content, { mode: 0o600 });
      } catch (cause) {
        rmSync(path, { recursive: true, force: true });
        throw cannotWrite(file, cause);
      }
      return file;
    },
    replace(name, content) {
      const file = join(path, name);
      const fresh = `${file}.new`;
      try {
        writeFileSync(fresh, content, { mode: 0o600 });
        renameSync(fresh, file);
      } catch (cause) {
        throw cannotWrite(file, cause);
      }
    },
    remove: () => {
      rmSync(path, { recursive: true, force: true, maxRetries: 2 });
      removeIfEmpty(root);
    },
  };
}

function cannotWrite(file: string, cause: unknown): Problem {
  return new Problem({
    code: "run-folder",
    what: `${file} cannot be written: ${(cause as Error).message}.`,
    fix: "Free some space there, or point XDG_RUNTIME_DIR (or TMPDIR) at another folder.",
  });
}

function makeFolder(root: string, triesLeft = 3): string {
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    ownedByUs(root);
    chmodSync(root, 0o700);
    sweep(root);
    return mkdtempSync(join(root, `run-${process.pid}-`));
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    // Another run that just ended may have taken the empty root away between two of these steps.
    if ((cause as NodeJS.ErrnoException).code === "ENOENT" && triesLeft > 0)
      return makeFolder(root, triesLeft - 1);
    throw new Problem({
      code: "run-folder",
      what: `The run folder cannot be made under ${root}: ${(cause as Error).message}.`,
      fix: "Free some space there, or point XDG_RUNTIME_DIR (or TMPDIR) at a folder you can write to.",
    });
  }
}

/** The last run out leaves nothing behind, not even an empty folder. */
function removeIfEmpty(root: string): void {
  try {
    rmdirSync(root);
  } catch {
    // Another run is still in it.
  }
}

/** In a shared temp folder another user could have made the folder first, and would own our token. */
function ownedByUs(root: string): void {
  const uid = process.getuid?.();
  const found = lstatSync(root);
  if (found.isDirectory() && (uid === undefined || found.uid === uid)) return;
  throw new Problem({
    code: "run-folder",
    what: `${root} belongs to somebody else.`,
    fix: "Set XDG_RUNTIME_DIR (or TMPDIR) to a folder of your own.",
  });
}

function sweep(root: string): void {
  for (const folder of runFolders(root)) {
    if (!folder.isAlive) rmSync(folder.path, { recursive: true, force: true });
  }
}

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

/** Whether a process runs, no matter whose it is. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
}
