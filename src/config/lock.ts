import { readdirSync, readFileSync, statSync, unlinkSync } from "node:fs";
import path from "node:path";
import { Problem } from "../core/problem.ts";
import { type HeldLock, tryLock } from "../sqlite/lock.ts";
import { errorCode, fileProblem } from "./file-problem.ts";
import { createFolderOf, linkTarget, tempPattern } from "./write-file.ts";

/** Edits take milliseconds, so a lock that is held this long belongs to a process that hangs. */
const WAIT_MS = 10_000;

/** The pause between attempts is random within these bounds, so that many waiters do not come back together. */
const POLL_MS = { least: 5, most: 25 };

/** Files of an edit are milliseconds old; older ones were left by a process that was killed. */
const LEFT_BEHIND_MS = 60_000;

/**
 * Runs `work` while no other process edits the same file, in this container or another one that shares the folder.
 * WaitQueue does not block this process. Two edits must not be nested.
 */
export async function withLock<T>(file: string, work: () => Promise<T>, waitMs = WAIT_MS): Promise<T> {
  createFolderOf(file);
  const target = await linkTarget(file);
  const held = await takeLock(file, lockFileOf(target), waitMs);
  try {
    sweep(target);
    return await work();
  } finally {
    held.release();
  }
}

/** The lock of a file lies beside it, where everyone who can replace the file can take it. */
function lockFileOf(target: string): string {
  return path.join(path.dirname(target), `.${path.basename(target)}.lock`);
}

async function takeLock(file: string, lock: string, waitMs: number): Promise<HeldLock> {
  const giveUpMs = performance.now() + waitMs;
  for (;;) {
    const held = tryOnce(file, lock);
    if (held !== undefined) return held;
    if (performance.now() >= giveUpMs) {
      throw new Problem({
        code: "file-locked",
        what: `${file} is being edited by another orouter that does not finish.`,
        fix: "End that process or answer its question, then run this again.",
      });
    }
    await Bun.sleep(POLL_MS.least + Math.random() * (POLL_MS.most - POLL_MS.least));
  }
}

function tryOnce(file: string, lock: string): HeldLock | undefined {
  try {
    return tryLock(lock);
  } catch (error) {
    if (errorCode(error) !== undefined)
      throw fileProblem({ code: "cannot-write", doing: "write", file }, error);
    const why = error instanceof Error ? error.message : String(error);
    throw new Problem({
      code: "cannot-lock",
      what: `${file} cannot be locked for the change: ${lock}: ${why}.`,
      fix: `Remove ${lock} if it is not an empty file, or put orouter's files on a disk with file locks with OROUTER_HOME=/another/folder.`,
    });
  }
}

/** Locks of earlier versions named their holder: `PID HOST ID`. */
const OLD_LOCK = /^(?:\d+ \S+ [0-9a-f-]{36}\s*)?$/;

/** Removes what killed processes have left beside a file: half-written copies, and lock files of earlier versions. */
function sweep(target: string): void {
  const folder = path.dirname(target);
  const name = path.basename(target);
  const temp = tempPattern(name);
  try {
    for (const one of readdirSync(folder)) {
      const isOldLock = one === `${name}.lock` || (one.startsWith(`${name}.lock.`) && one.endsWith(".stale"));
      if (isOldLock || temp.test(one)) removeIfLeft(path.join(folder, one), isOldLock);
    }
  } catch {
    // The edit itself will say what is wrong with the folder.
  }
}

function removeIfLeft(file: string, isOldLock: boolean): void {
  try {
    const { mtimeMs, size } = statSync(file);
    if (Date.now() - mtimeMs < LEFT_BEHIND_MS) return;
    if (isOldLock && (size > 1000 || !OLD_LOCK.test(readFileSync(file, "utf8")))) return;
    unlinkSync(file);
  } catch {
    // Somebody else has removed it, or it is not ours to remove.
  }
}
