import { mkdirSync, readdirSync, readFileSync, realpathSync, statSync, unlinkSync } from "node:fs";
import { chown, type FileHandle, open, readlink, rename, stat, unlink } from "node:fs/promises";
import path from "node:path";
import { Problem, type ProblemParts } from "../core/problem.ts";
import { type HeldLock, tryLock } from "../sqlite/lock.ts";

const REASONS: Readonly<Record<string, { why: string; fix: string }>> = {
  EACCES: {
    why: "permission denied",
    fix: "Check who owns the file and its folder, and what they may do there.",
  },
  EPERM: { why: "not permitted", fix: "Check who owns the file and its folder, and what they may do there." },
  EROFS: {
    why: "the disk is read-only",
    fix: "Put orouter's files elsewhere with OROUTER_HOME=/a/writable/folder.",
  },
  ENOSPC: { why: "the disk is full", fix: "Free some space and run it again; the old file is unchanged." },
  EDQUOT: {
    why: "your disk quota is used up",
    fix: "Free some space and run it again; the old file is unchanged.",
  },
  ENOENT: { why: "its folder does not exist", fix: "Create the folder, or fix the link that leads there." },
  EISDIR: { why: "it is a folder", fix: "Move the folder away; a file belongs there." },
  ENOTDIR: { why: "a part of its path is a file", fix: "Move that file away; a folder belongs there." },
  ELOOP: { why: "its links lead in a circle", fix: "Fix the symbolic link." },
};

/** For reading, the file itself must exist, not only its folder. */
const NOT_THERE = { why: "it does not exist", fix: "Check its name, and where a link of that name leads." };

interface FileAction extends Pick<ProblemParts, "code" | "exit"> {
  doing: "read" | "write" | "create";
  file: string;
}

/**
 * Turns a system error into a Problem with the file, the reason and the fix. Returns any other error unchanged, since
 * it is a bug.
 */
export function fileProblem({ doing, file, ...parts }: FileAction, error: unknown): unknown {
  const errno = errorCode(error);
  if (errno === undefined) return error;
  const reason =
    errno === "ENOENT" && doing === "read"
      ? NOT_THERE
      : (REASONS[errno] ?? { why: errno, fix: "Check the file and its folder, then run it again." });
  return new Problem({ ...parts, what: `Cannot ${doing} ${file}: ${reason.why}.`, fix: reason.fix });
}

/** For example `ENOENT`; undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

/** keys.toml must not be readable by others, not even for a moment. */
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/** A longer chain of links is a cycle. */
const MAX_LINKS = 40;

/**
 * Replaces the file atomically. Follows a link, so that a config in a dotfiles folder stays there. On failure the old
 * file is unchanged and no temporary file is left.
 */
export async function writeFileAtomic(file: string, text: string): Promise<void> {
  try {
    await replace(await linkTarget(file), text);
  } catch (error) {
    throw fileProblem({ code: "cannot-write", doing: "write", file }, error);
  }
}

export function createFolderOf(file: string): void {
  const folder = path.dirname(file);
  try {
    mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
  } catch (error) {
    throw fileProblem({ code: "cannot-write", doing: "create", file: folder }, error);
  }
}

/** Also resolves a link whose target does not exist yet. */
export async function linkTarget(file: string): Promise<string> {
  let current = path.resolve(file);
  for (let links = 0; links < MAX_LINKS; links++) {
    const next = await readlink(current).catch(noLink);
    if (next === undefined) return realFolder(current);
    current = path.resolve(path.dirname(current), next);
  }
  throw Object.assign(new Error("too many links"), { code: "ELOOP" });
}

function noLink(error: unknown): undefined {
  const code = errorCode(error);
  if (code === "EINVAL" || code === "ENOENT" || code === "UNKNOWN") return undefined;
  throw error;
}

/** Two paths to one file must resolve to one name, because its lock is next to it. */
function realFolder(file: string): string {
  try {
    return path.join(realpathSync(path.dirname(file)), path.basename(file));
  } catch {
    return file;
  }
}

/** Matches temporary files of this and earlier versions. */
export function tempPattern(name: string): RegExp {
  return new RegExp(`^\\.${RegExp.escape(name)}\\.[0-9a-f.-]+\\.tmp$`);
}

async function replace(target: string, text: string): Promise<void> {
  const folder = path.dirname(target);
  const temp = path.join(folder, `.${path.basename(target)}.${crypto.randomUUID()}.tmp`);
  const handle = await open(temp, "wx", PRIVATE_FILE);
  try {
    await keepOwner(temp, target);
    await fill(handle, text);
    await rename(temp, target);
  } catch (error) {
    await unlink(temp).catch(() => undefined);
    throw error;
  }
  await syncFolder(folder);
}

/** An edit as root must not take the file away from its user; a new file belongs to the owner of its folder. */
async function keepOwner(file: string, target: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = await stat(target).catch(() => stat(path.dirname(target)));
  if (uid !== 0) await chown(file, uid, gid);
}

async function fill(handle: FileHandle, text: string): Promise<void> {
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the rename durable. Windows cannot open a folder. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    await handle.sync().finally(() => handle.close());
  } catch {
    // The file is complete either way; only a power cut right now could restore the old one.
  }
}

/** Edits take milliseconds, so a lock held this long belongs to a process that hangs. */
const WAIT_MS = 10_000;

/** Random within these bounds, so that many waiters do not retry together. */
const POLL_MS = { least: 5, most: 25 };

/** Temporary files of an edit are milliseconds old; older ones were left by a killed process. */
const LEFT_BEHIND_MS = 60_000;

/**
 * Excludes other processes that edit the same file, also from other containers that share the folder. Does not block
 * this process. Must not be nested.
 */
export async function withLock<T>(file: string, work: () => Promise<T>, waitMs = WAIT_MS): Promise<T> {
  createFolderOf(file);
  const target = await linkTarget(file);
  const held = await takeLock(file, lockFileOf(target), waitMs);
  try {
    await keepOwner(lockFileOf(target), target);
    sweep(target);
    return await work();
  } finally {
    held.release();
  }
}

/** The lock is next to the file, where everyone who can replace the file can take it. */
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

/** Locks of earlier versions contained `PID HOST ID`. */
const OLD_LOCK = /^(?:\d+ \S+ [0-9a-f-]{36}\s*)?$/;

/** Removes temporary files and old lock files that killed processes left behind. */
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
    // The edit itself will report what is wrong with the folder.
  }
}

function removeIfLeft(file: string, isOldLock: boolean): void {
  try {
    const { mtimeMs, size } = statSync(file);
    if (Date.now() - mtimeMs < LEFT_BEHIND_MS) return;
    if (isOldLock && (size > 1000 || !OLD_LOCK.test(readFileSync(file, "utf8")))) return;
    unlinkSync(file);
  } catch {
    // Another process has removed it, or it belongs to another user.
  }
}
