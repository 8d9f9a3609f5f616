import type { Database } from "bun:sqlite";
import { Problem } from "../core/problem.ts";
import {
  type DatabaseFault,
  faultOf,
  fileIdentity,
  openDatabase,
  openInMemory,
  setAside,
  waitForLocks,
} from "./database.ts";

/** `later`: not done, try again. `never`: failed for good. */
export type Outcome<T> = { kind: "done"; value: T } | { kind: "later" } | { kind: "never" };

type Use = "read" | "write";

export interface StateFileOptions {
  file: string;
  nowMs: () => number;
  /** Called once for each kind of trouble with the file; the run continues regardless. */
  onTrouble: (problem: Problem) => void;
}

/** Two processes that start together wait for each other's first write. */
const OPEN_WAIT_MS = 100;

/** Streams pass through this process while it waits for a lock, so it gives up early and retries later. */
const LOCK_WAIT_MS = 5;

/** At the end of a run nothing streams, so the last write may wait longer. */
const LAST_WAIT_MS = 500;

/** orouter holds the lock for milliseconds; a longer lock belongs to another program. */
const LONG_LOCK_MS = 5000;

/**
 * state.db, shared by the store and the ledger of this process. If the file cannot be used, the same tables are kept in
 * memory. Never throws errors of the file or the disk.
 */
export class StateFile {
  readonly #options: StateFileOptions;
  readonly #told = new Set<string>();
  #db: Database | undefined;
  #isInMemory = false;
  #identity: string | undefined;
  #openings = 0;
  #wasSetAside = false;
  /** Separate for reading and writing, because a file that cannot be written can often still be read. */
  readonly #lockedSinceMs = new Map<Use, number>();
  #openWaitMs = OPEN_WAIT_MS;

  constructor(options: StateFileOptions) {
    this.#options = options;
  }

  /** Grows with each opened file, since a new file invalidates what was read before. */
  get openings(): number {
    return this.#openings;
  }

  read<T>(work: (db: Database) => T): Outcome<T> {
    return this.#attempt("read", work);
  }

  /** Takes the lock first, so that two processes never build on the same old rows. */
  write<T>(work: (db: Database) => T): Outcome<T> {
    return this.#attempt("write", (db) => db.transaction(() => work(db)).immediate());
  }

  /** If another file has taken the name, the next work opens that one. */
  followName(): void {
    if (this.#db === undefined || this.#isInMemory) return;
    const now = fileIdentity(this.#options.file);
    // Do not recreate a deleted file: the user removed it, and this run still has its data.
    if (now !== undefined && now !== this.#identity) this.close();
  }

  /** For the last write of a run. */
  waitLonger(): void {
    this.#openWaitMs = LAST_WAIT_MS;
    if (this.#db !== undefined) waitForLocks(this.#db, LAST_WAIT_MS);
  }

  /** At the end of a run even a short lock has lost data. */
  tellIfLocked(): void {
    if (this.#lockedSinceMs.has("write")) this.#tell("locked", undefined);
  }

  close(): void {
    try {
      this.#db?.close();
    } catch {
      // Everything committed is in the file; closing only tidies up.
    }
    this.#db = undefined;
  }

  #attempt<T>(use: Use, work: (db: Database) => T): Outcome<T> {
    for (;;) {
      try {
        const value = work(this.#db ?? this.#open());
        this.#lockedSinceMs.delete(use);
        return { kind: "done", value };
      } catch (error) {
        const next = this.#handle(error, use);
        if (next !== "again") return { kind: next };
      }
    }
  }

  #open(): Database {
    const { file } = this.#options;
    const waitMs = this.#openWaitMs;
    this.#openWaitMs = LOCK_WAIT_MS;
    this.#identity = fileIdentity(file);
    const db = this.#isInMemory ? openInMemory() : openDatabase(file, waitMs);
    this.#identity ??= fileIdentity(file);
    this.#db = db;
    this.#openings++;
    waitForLocks(db, waitMs === LAST_WAIT_MS ? waitMs : LOCK_WAIT_MS);
    return db;
  }

  /** Each `again` goes one step down, finally to memory, so the loop ends. */
  #handle(error: unknown, use: Use): "again" | "later" | "never" {
    const fault = faultOf(error);
    if (this.#isInMemory) {
      this.#tell(fault, error);
      return "never";
    }
    switch (fault) {
      case "locked":
        if (this.#isLongLocked(use)) this.#tell(fault, error);
        return "later";
      case "full":
        this.#tell(fault, error);
        return "later";
      case "corrupt":
        if (!this.#startNewFile()) this.#goOnInMemory(fault, error);
        return "again";
      case "other":
        if (this.#db === undefined) break;
        // An open file that rejects one statement is still good for the next one.
        this.#tell(fault, error);
        return "never";
      case "unusable":
        break;
    }
    this.#goOnInMemory(fault, error);
    return "again";
  }

  #isLongLocked(use: Use): boolean {
    const nowMs = this.#options.nowMs();
    const sinceMs = this.#lockedSinceMs.get(use) ?? nowMs;
    this.#lockedSinceMs.set(use, sinceMs);
    return nowMs - sinceMs >= LONG_LOCK_MS;
  }

  /** Once per run: a disk that corrupts the new file too must not fill up with copies. */
  #startNewFile(): boolean {
    const { file, nowMs, onTrouble } = this.#options;
    const isOurs = this.#identity === fileIdentity(file);
    this.close();
    if (this.#wasSetAside) return false;
    this.#wasSetAside = true;
    // Another process may have set the same file aside and started a new one: use that, do not move it.
    if (!isOurs) return true;
    try {
      onTrouble(setAsideTrouble(file, setAside(file, nowMs())));
      return true;
    } catch {
      return false;
    }
  }

  #goOnInMemory(fault: DatabaseFault, error: unknown): void {
    this.close();
    this.#isInMemory = true;
    this.#tell(fault, error);
  }

  #tell(fault: DatabaseFault, error: unknown): void {
    const problem = troubleOf(fault, this.#options.file, error);
    if (this.#told.has(problem.code)) return;
    this.#told.add(problem.code);
    this.#options.onTrouble(problem);
  }
}

function troubleOf(fault: DatabaseFault, file: string, error: unknown): Problem {
  if (error instanceof Problem) return error;
  const why = error instanceof Error ? error.message : String(error);
  switch (fault) {
    case "locked":
      return new Problem({
        code: "state-locked",
        what: `${file} is locked by another program. Until it is free, what this run learns is kept in memory only.`,
        fix: "Close the program that holds the file, e.g. a database viewer.",
      });
    case "full":
      return new Problem({
        code: "state-not-written",
        what: `${file} cannot be written (${why}). This run keeps its state in memory and retries.`,
        fix: "Free some space on that disk.",
      });
    case "corrupt":
      return new Problem({
        code: "state-broken",
        what: `${file} is corrupt (${why}), and it cannot be set aside. This run keeps its state in memory.`,
        fix: "Move the file away; the next run starts a new one.",
      });
    case "unusable":
      return new Problem({
        code: "state-not-usable",
        what: `${file} cannot be used (${why}). Nothing is remembered after this run.`,
        fix: "Check who owns the file and its folder, or put orouter's files elsewhere with OROUTER_HOME=/a/writable/folder.",
      });
    case "other":
      return new Problem({
        code: "state-failed",
        what: `${file} rejected a change (${why}). Some data of this run may be missing.`,
        fix: "Please report this.",
      });
  }
}

function setAsideTrouble(file: string, aside: string): Problem {
  return new Problem({
    code: "state-set-aside",
    what: `${file} was corrupt, so a new one was started. The old one is kept as ${aside}.`,
    fix: "Delete the old one when you no longer need it.",
  });
}
