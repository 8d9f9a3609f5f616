import { Database } from "bun:sqlite";
import { chmodSync, closeSync, mkdirSync, openSync, renameSync, statSync } from "node:fs";
import path from "node:path";
import { Problem } from "../core/problem.ts";
import { migrate, refuseNewer } from "./schema.ts";

const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/** Files that SQLite keeps next to an open database. */
const SIDE_FILES = ["-wal", "-shm"] as const;

/** SQLite truncates the write-ahead log to this size after a burst. */
const LOG_BYTES = 4 * 1024 * 1024;

export function openDatabase(file: string, waitMs: number): Database {
  createPrivate(file);
  const db = new Database(file, { readwrite: true, strict: true });
  try {
    waitForLocks(db, waitMs);
    refuseNewer(db, file);
    restrictMode(file);
    db.run("PRAGMA journal_mode = WAL");
    // A power cut may cost the last second, but never the file.
    db.run("PRAGMA synchronous = NORMAL");
    db.run("PRAGMA foreign_keys = ON");
    // What is deleted is overwritten, so that it is gone from the file, too.
    db.run("PRAGMA secure_delete = ON");
    db.run(`PRAGMA journal_size_limit = ${LOG_BYTES}`);
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** The same tables in memory, for a run whose file cannot be used. */
export function openInMemory(): Database {
  const db = new Database(":memory:", { strict: true });
  db.run("PRAGMA foreign_keys = ON");
  migrate(db);
  return db;
}

/** How long a statement waits for the lock of another process. It blocks the whole process. */
export function waitForLocks(db: Database, waitMs: number): void {
  db.run(`PRAGMA busy_timeout = ${waitMs}`);
}

/**
 * SQLite would make the file readable by all. An existing file is not opened: closing it would drop the POSIX locks
 * that SQLite holds on it in this process.
 */
export function createPrivate(file: string): void {
  if (statSync(file, { throwIfNoEntry: false }) !== undefined) return;
  mkdirSync(path.dirname(file), { recursive: true, mode: PRIVATE_FOLDER });
  try {
    closeSync(openSync(file, "wx", PRIVATE_FILE));
  } catch (error) {
    // Another process has just created it, private as well.
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

/** The side files inherit the mode of the database. */
function restrictMode(file: string): void {
  for (const one of [file, ...SIDE_FILES.map((end) => file + end)]) {
    const mode = statSync(one, { throwIfNoEntry: false })?.mode ?? PRIVATE_FILE;
    if ((mode & 0o077) !== 0) chmodSync(one, PRIVATE_FILE);
  }
}

/** Detects that another file has taken the name; undefined if no file can be seen. */
export function fileIdentity(file: string): string | undefined {
  try {
    const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
    return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`;
  } catch {
    return undefined;
  }
}

/** Renames a corrupt database and its side files, to keep them for inspection. Returns the new name. */
export function setAside(file: string, nowMs: number): string {
  const aside = `${file}.broken-${new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, "")}`;
  // Side files first: a new database must not find the log of the corrupt one.
  for (const end of SIDE_FILES) {
    if (statSync(file + end, { throwIfNoEntry: false }) !== undefined) renameSync(file + end, aside + end);
  }
  renameSync(file, aside);
  return aside;
}

/**
 * `locked` and `full` may pass. `corrupt`: a new file helps. `unusable`: no access, or a newer version wrote it.
 * `other`: a statement failed, the file itself may be fine.
 */
export type DatabaseFault = "locked" | "full" | "corrupt" | "unusable" | "other";

/** Prefixes of error names, those of SQLite and of the system. */
const FAULTS: readonly [start: string, fault: DatabaseFault][] = [
  ["SQLITE_BUSY", "locked"],
  ["SQLITE_LOCKED", "locked"],
  ["SQLITE_PROTOCOL", "locked"],
  ["SQLITE_FULL", "full"],
  ["SQLITE_IOERR", "full"],
  ["ENOSPC", "full"],
  ["EDQUOT", "full"],
  ["SQLITE_CORRUPT", "corrupt"],
  ["SQLITE_NOTADB", "corrupt"],
  ["SQLITE_READONLY", "unusable"],
  ["SQLITE_CANTOPEN", "unusable"],
  ["SQLITE_PERM", "unusable"],
  ["SQLITE_AUTH", "unusable"],
  // Node's ERR_ errors are bugs of ours; every other name with an E comes from the system.
  ["ERR_", "other"],
  ["E", "unusable"],
];

/** Classifies an error that a database threw. */
export function faultOf(error: unknown): DatabaseFault {
  if (error instanceof Problem) return "unusable";
  const code = codeOf(error);
  return FAULTS.find(([start]) => code.startsWith(start))?.[1] ?? "other";
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}
