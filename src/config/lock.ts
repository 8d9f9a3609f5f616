import { readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { Problem } from "../core/problem.ts";
import { errorCode, fileProblem } from "./file-problem.ts";
import { createFolderOf, linkTarget } from "./write-file.ts";

/** Edits take milliseconds: whoever holds a lock longer than this is stuck. */
const WAIT_MS = 5000;
const POLL_MS = 25;

/** A lock without an owner's name is being made right now, unless it has been so for this long. */
const NAMELESS_MS = 2000;

/** Runs `work` while no other orouter edits the same file. It waits a while for its turn, then gives up. */
export async function withLock<T>(file: string, work: () => Promise<T>, waitMs = WAIT_MS): Promise<T> {
  createFolderOf(file);
  const lock = `${await linkTarget(file)}.lock`;
  const ours = `${process.pid} ${hostname()} ${crypto.randomUUID()}\n`;
  const giveUpMs = performance.now() + waitMs;
  while (!tryLock(lock, ours) && !(removeStale(lock) && tryLock(lock, ours))) {
    if (performance.now() >= giveUpMs) throw heldProblem(file, lock);
    await Bun.sleep(POLL_MS);
  }
  try {
    return await work();
  } finally {
    // Someone who took us for dead may hold it by now; theirs is not ours to remove.
    if (readOwner(lock) === ours) unlinkSync(lock);
  }
}

function tryLock(lock: string, ours: string): boolean {
  try {
    writeFileSync(lock, ours, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    // A lock we made but could not sign, on a full disk, must not be left behind.
    if (readOwner(lock) === "") removeQuietly(lock);
    throw fileProblem({ code: "cannot-write", doing: "create", file: lock }, error);
  }
}

/** Takes a dead owner's lock away; true where it may be free now. The rename makes sure that only one of several waiters does. */
function removeStale(lock: string): boolean {
  const owner = readOwner(lock);
  if (owner === undefined) return true;
  if (!isStale(lock, owner)) return false;
  const aside = `${lock}.${process.pid}.stale`;
  try {
    renameSync(lock, aside);
  } catch {
    return true;
  }
  // Between the look and the rename another waiter may have been faster, and this is its fresh lock: give it back.
  if (readOwner(aside) === owner) removeQuietly(aside);
  else renameSync(aside, lock);
  return true;
}

function isStale(lock: string, owner: string): boolean {
  const [pid, host] = owner.trim().split(" ");
  if (pid === undefined || pid === "") return ageMs(lock) > NAMELESS_MS;
  // On a shared disk the owner may live on another machine, where we cannot look.
  return host === hostname() && !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is alive and someone else's.
    return errorCode(error) !== "ESRCH";
  }
}

function ageMs(lock: string): number {
  const stat = statSync(lock, { throwIfNoEntry: false });
  return stat === undefined ? 0 : Date.now() - stat.mtimeMs;
}

function readOwner(lock: string): string | undefined {
  try {
    return readFileSync(lock, "utf8");
  } catch {
    return undefined;
  }
}

function removeQuietly(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // Already gone, which is what was wanted.
  }
}

function heldProblem(file: string, lock: string): Problem {
  const [pid = "", host = ""] = (readOwner(lock) ?? "").trim().split(" ");
  const owner = pid === "" ? "another orouter" : `process ${pid}${host === hostname() ? "" : ` on ${host}`}`;
  return new Problem({
    code: "file-locked",
    what: `${file} is being edited by ${owner}, which does not finish.`,
    fix: `Wait for it; if it is no orouter at all, delete ${lock} and run this again.`,
  });
}
