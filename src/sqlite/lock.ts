import { Database } from "bun:sqlite";
import { accessSync, constants, statSync, unlinkSync } from "node:fs";
import { createPrivate, faultOf, fileIdentity } from "./database.ts";

/** Held until it is released or this process ends, however it ends. */
export interface HeldLock {
  /** Removes the file and frees the lock. */
  release: () => void;
  /** Frees the lock; its file stays. */
  letGo: () => void;
}

/**
 * Undefined while another process holds it. The lock is SQLite's own on an empty database: the kernel keeps it, for
 * processes and containers that see the same file, and frees it with the process. The file does not identify its
 * holder. Throws the errors of SQLite and of the system.
 */
export function tryLock(file: string): HeldLock | undefined {
  createPrivate(file);
  return lockExisting(file);
}

/** `held`, or the lock itself if it was free; `none` if the file does not exist or is not a lock. */
export function tryLeftLock(file: string): HeldLock | "held" | "none" {
  if (fileIdentity(file) === undefined) return "none";
  try {
    return lockExisting(file) ?? "held";
  } catch {
    return "none";
  }
}

function lockExisting(file: string): HeldLock | undefined {
  const identity = fileIdentity(file);
  const db = lockDatabase(file);
  if (db === undefined) return undefined;
  // The last holder may have removed the file after we opened it; then this lock protects nothing.
  if (identity === undefined || identity !== fileIdentity(file)) {
    db.close();
    return undefined;
  }
  return {
    release: () => {
      try {
        // Remove it while it is held, so that no process can take the removed file for the lock.
        unlinkSync(file);
      } catch {
        // Windows does not remove open files. The file that stays is a free lock.
      }
      db.close();
    },
    letGo: () => db.close(),
  };
}

/** Undefined if another connection has the lock or has just removed the file. */
function lockDatabase(file: string): Database | undefined {
  let db: Database | undefined;
  try {
    db = new Database(file, { readwrite: true, create: false });
    // By default SQLite creates a journal file, although nothing is written.
    db.run("PRAGMA journal_mode = MEMORY");
    db.run("BEGIN IMMEDIATE");
    return db;
  } catch (error) {
    db?.close();
    if (faultOf(error) === "locked" || wasRemoved(file, error)) return undefined;
    throw error;
  }
}

/** SQLite says only that it cannot open a file. If nothing else is wrong with it, its holder has just removed it. */
function wasRemoved(file: string, error: unknown): boolean {
  if (faultOf(error) !== "unusable" || statSync(file, { throwIfNoEntry: false })?.isFile() === false)
    return false;
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return true;
    throw cause;
  }
}
