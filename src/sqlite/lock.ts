import { Database } from "bun:sqlite";
import { accessSync, constants, statSync, unlinkSync } from "node:fs";
import { createPrivate, faultOf, fileIdentity } from "./database.ts";

/** A lock that is held until it is let go or this process ends, however it ends. */
export interface HeldLock {
  /** Removes the file and lets others have the lock. */
  release: () => void;
  /** Lets others have the lock; its file stays. */
  letGo: () => void;
}

/**
 * Takes the lock with this file name; undefined while somebody else has it. The lock is SQLite's own on an empty
 * database: the kernel keeps it, for processes and containers that see the same file, and frees it with the process.
 * The file says nothing about its holder. Throws the errors of SQLite and of the system.
 */
export function tryLock(file: string): HeldLock | undefined {
  createPrivate(file);
  return lockExisting(file);
}

/** Whether somebody holds a lock, or the lock itself where nobody does; `none` where there is no such file or it is not a lock. */
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
  // The last holder may have removed the file after we opened it: then this is a lock on nothing.
  if (identity === undefined || identity !== fileIdentity(file)) {
    db.close();
    return undefined;
  }
  return {
    release: () => {
      try {
        // Removed while it is held, so nobody can take this file for the lock of that name afterwards.
        unlinkSync(file);
      } catch {
        // Windows does not remove open files. Left there, it is a free lock.
      }
      db.close();
    },
    letGo: () => db.close(),
  };
}

/** The database with its write lock; undefined where another connection has it, or has just removed the file. */
function lockDatabase(file: string): Database | undefined {
  let db: Database | undefined;
  try {
    db = new Database(file, { readwrite: true, create: false });
    // By default SQLite creates a journal file beside it, although nothing is written.
    db.run("PRAGMA journal_mode = MEMORY");
    db.run("BEGIN IMMEDIATE");
    return db;
  } catch (error) {
    db?.close();
    if (faultOf(error) === "locked" || wasRemoved(file, error)) return undefined;
    throw error;
  }
}

/** SQLite says only that it cannot open a file. Where nothing else is wrong with it, its holder has just removed it. */
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
