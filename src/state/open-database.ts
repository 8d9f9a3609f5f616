import { Database } from "bun:sqlite";
import { chmodSync, closeSync, mkdirSync, openSync, statSync } from "node:fs";
import path from "node:path";
import { migrate, refuseNewer } from "./schema.ts";

const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/** What SQLite keeps beside the file while it is open. */
export const SIDE_FILES = ["-wal", "-shm"] as const;

/** A log that grew in a burst is cut back to this; SQLite folds it into the file at about this size anyway. */
const LOG_BYTES = 4 * 1024 * 1024;

/** Opens the state file, made or brought up to date where needed. Throws what SQLite or the system say. */
export function openDatabase(file: string, waitMs: number): Database {
  createPrivate(file);
  const db = new Database(file, { readwrite: true, strict: true });
  try {
    waitForLocks(db, waitMs);
    refuseNewer(db, file);
    tighten(file);
    db.run("PRAGMA journal_mode = WAL");
    // A power cut may cost the last second, never the file.
    db.run("PRAGMA synchronous = NORMAL");
    db.run("PRAGMA foreign_keys = ON");
    db.run(`PRAGMA journal_size_limit = ${LOG_BYTES}`);
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** The same tables without a file, for a run whose file cannot be used. */
export function openInMemory(): Database {
  const db = new Database(":memory:", { strict: true });
  db.run("PRAGMA foreign_keys = ON");
  migrate(db);
  return db;
}

/** How long a statement stands still for another process's lock; all of this process stands still with it. */
export function waitForLocks(db: Database, waitMs: number): void {
  db.run(`PRAGMA busy_timeout = ${waitMs}`);
}

/** SQLite itself would make the file readable by all; its side files take over the mode of the file. */
function createPrivate(file: string): void {
  if (statSync(file, { throwIfNoEntry: false }) !== undefined) return;
  mkdirSync(path.dirname(file), { recursive: true, mode: PRIVATE_FOLDER });
  try {
    closeSync(openSync(file, "wx", PRIVATE_FILE));
  } catch (error) {
    // Another process was faster: then it is there, and private.
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

function tighten(file: string): void {
  for (const one of [file, ...SIDE_FILES.map((end) => file + end)]) {
    const mode = statSync(one, { throwIfNoEntry: false })?.mode ?? PRIVATE_FILE;
    if ((mode & 0o077) !== 0) chmodSync(one, PRIVATE_FILE);
  }
}
