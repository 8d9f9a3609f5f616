import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  writeFileSync,
} from "node:fs";
import { join, resolve, sep } from "node:path";
import * as v from "valibot";
import { Problem } from "../../core/problem.ts";
import { type HeldLock, tryLeftLock, tryLock } from "../../sqlite/lock.ts";

/** The folder of one run: it contains the token file and the agent's configuration, and is removed with the run. */
export interface RunDir {
  path: string;
  write: (name: string, content: string) => string;
  /** Replaces a file that may be in use; fails if there is no space. */
  replace: (name: string, content: string) => void;
  remove: () => void;
}

/** Creates the run's folder (0700) under `root`, after removing what crashed runs left there. */
export function createRunDir(root: string): RunDir {
  const { path, lock } = makeFolder(root);
  const remove = (): void => {
    // Windows does not remove an open file.
    if (process.platform === "win32") lock.letGo();
    rmSync(path, { recursive: true, force: true, maxRetries: 2 });
    lock.letGo();
    removeIfEmpty(root);
  };
  return {
    path,
    write(name, content) {
      const file = join(path, name);
      try {
        writeFileSync(file, content, { mode: 0o600 });
      } catch (cause) {
        remove();
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
    remove,
  };
}

function cannotWrite(file: string, cause: unknown): Problem {
  return new Problem({
    code: "run-folder",
    what: `${file} cannot be written: ${(cause as Error).message}.`,
    fix: "Free some space there, or point XDG_RUNTIME_DIR (or TMPDIR) at another folder.",
  });
}

interface LockedFolder {
  path: string;
  /** Held as long as this process lives: it tells others that the run is active. */
  lock: HeldLock;
}

/** Other runs that start or end at the same moment may cost some attempts of about a millisecond each. */
const TRIES = 20;

function makeFolder(root: string, triesLeft = TRIES): LockedFolder {
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    ownedByUs(root);
    chmodSync(root, 0o700);
    sweep(root);
    const path = join(
      root,
      `run-${Buffer.from(crypto.getRandomValues(new Uint8Array(NAME_BYTES))).toString("base64url")}`,
    );
    mkdirSync(path, { mode: 0o700 });
    const lock = tryLock(join(path, LOCK));
    if (lock !== undefined) return { path, lock };
    // Another process looked at the lock before we had it, and may be removing the folder as that of a dead run.
    rmSync(path, { recursive: true, force: true });
    if (triesLeft === 0) throw new Error("other processes keep taking its lock");
    return makeFolder(root, triesLeft - 1);
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    // A run that has just ended may have removed the empty root between two of these steps.
    const { code } = cause as NodeJS.ErrnoException;
    const isRace = code === "ENOENT" || code === "EEXIST";
    if (isRace && triesLeft > 0) return makeFolder(root, triesLeft - 1);
    throw new Problem({
      code: "run-folder",
      what: `The run folder cannot be made under ${root}: ${(cause as Error).message}.`,
      fix: "Free some space there, or point XDG_RUNTIME_DIR (or TMPDIR) at a folder you can write to.",
    });
  }
}

/** The last run removes the empty folder. */
function removeIfEmpty(root: string): void {
  try {
    rmdirSync(root);
  } catch {
    // Another run still uses it.
  }
}

/** In a shared temp folder another user could have created the folder first, and would own our token. */
function ownedByUs(root: string): void {
  if (isOwnFolder(lstatSync(root))) return;
  throw new Problem({
    code: "run-folder",
    what: `${root} is not a folder, or belongs to another user.`,
    fix: "Set XDG_RUNTIME_DIR (or TMPDIR) to a folder of your own.",
  });
}

/** Removes what crashed runs have left, holding each lock, so that a run that is just starting notices. */
function sweep(root: string): void {
  for (const path of runPaths(root)) {
    const lock = tryLeftLock(join(path, LOCK));
    if (typeof lock === "string") continue;
    if (process.platform === "win32") lock.letGo();
    rmSync(path, { recursive: true, force: true });
    lock.letGo();
  }
}

/** The folder of one run, and whether that run is active. */
export interface RunFolder {
  path: string;
  isAlive: boolean;
}

const NAME_BYTES = 16;
const RUN_NAME = /^run-[\w-]{22}$/;

/** The file on which a run's process holds a lock. */
const LOCK = "lock";

/**
 * The folders of runs; those of dead ones were left by a crash. A folder counts only if its name, its owner and its
 * lock match: any other belongs to someone else, or to an earlier version.
 */
export function runFolders(root: string): RunFolder[] {
  return runPaths(root).flatMap((path): RunFolder[] => {
    const lock = tryLeftLock(join(path, LOCK));
    if (lock === "none") return [];
    if (lock === "held") return [{ path, isAlive: true }];
    lock.letGo();
    return [{ path, isAlive: false }];
  });
}

function runPaths(root: string): string[] {
  return namesIn(root)
    .filter((name) => RUN_NAME.test(name))
    .map((name) => join(root, name))
    .filter((path) => isOwnFolder(lstatSync(path, { throwIfNoEntry: false })));
}

function isOwnFolder(found: Stats | undefined): boolean {
  const uid = process.getuid?.();
  return found?.isDirectory() === true && (uid === undefined || found.uid === uid);
}

/** Whether a file is in the folder of some run, and so is ours. */
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

/** Lets other processes of this user find the run. */
export interface RunCard {
  /** The command: `opencode`, `serve`. */
  what: string;
  /** Its proxy, without a final slash. */
  url: string;
  pid: number;
  sinceMs: number;
  folder: string;
}

export const RUN_FILES = { card: "run.json", token: "token", config: "opencode.json" };

/** An active run, with the token of its proxy. */
export interface FoundRun extends RunCard {
  token: string;
}

const CARD = v.object({
  what: v.string(),
  url: v.pipe(v.string(), v.url()),
  pid: v.number(),
  sinceMs: v.number(),
  folder: v.string(),
});

/** Active runs with a card, oldest first. */
export function findRuns(root: string): FoundRun[] {
  return runFolders(root)
    .flatMap((folder) => (folder.isAlive ? readRun(folder.path) : []))
    .toSorted((a, b) => a.sinceMs - b.sinceMs);
}

/** A run that is starting or ending does not have all of its files; the next call finds it, or not. */
function readRun(folder: string): FoundRun[] {
  try {
    const card: unknown = JSON.parse(readFileSync(join(folder, RUN_FILES.card), "utf8"));
    const token = readFileSync(join(folder, RUN_FILES.token), "utf8");
    return [{ ...v.parse(CARD, card), token }];
  } catch {
    return [];
  }
}
