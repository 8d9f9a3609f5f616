import type { Database } from "bun:sqlite";
import type { Problem } from "../core/problem.ts";
import { faultOf, type StateFault } from "./fault.ts";
import { openDatabase, openInMemory, waitForLocks } from "./open-database.ts";
import { fileIdentity, setAside } from "./set-aside.ts";
import { setAsideTrouble, troubleOf } from "./trouble.ts";

/** How the work on the file went. `later`: it was not done, and may work another time. `never`: it will not. */
export type Outcome<T> = { kind: "done"; value: T } | { kind: "later" } | { kind: "never" };

type Use = "read" | "write";

interface StateFileOptions {
  file: string;
  nowMs: () => number;
  /** Told of each kind of trouble once. */
  onTrouble: (problem: Problem) => void;
}

/** Two orouters that start at once wait for each other's first write. */
const OPEN_WAIT_MS = 100;

/** Answers stream through this process while it waits for a lock: rather try again later. */
const LOCK_WAIT_MS = 5;

/** Nothing streams any more when the run ends, so the last write may wait. */
const LAST_WAIT_MS = 500;

/** Other orouters hold the lock for milliseconds. Whoever holds it this long is something else. */
const LONG_LOCK_MS = 5000;

/**
 * The state file, whatever state it is in: where it cannot be used, the work goes to the same tables in memory.
 * Nothing here throws what the file or the disk did.
 */
export class StateFile {
  readonly #options: StateFileOptions;
  readonly #told = new Set<string>();
  #db: Database | undefined;
  #isInMemory = false;
  #identity: string | undefined;
  #openings = 0;
  #wasSetAside = false;
  /** Apart, because a file that cannot be written can often still be read. */
  readonly #lockedSinceMs = new Map<Use, number>();
  #openWaitMs = OPEN_WAIT_MS;

  constructor(options: StateFileOptions) {
    this.#options = options;
  }

  /** Grows with each file that is opened: what was read from the one before holds no more. */
  get openings(): number {
    return this.#openings;
  }

  read<T>(work: (db: Database) => T): Outcome<T> {
    return this.#attempt("read", work);
  }

  /** The work is one transaction, which begins with the lock, so that two processes never build on the same old rows. */
  write<T>(work: (db: Database) => T): Outcome<T> {
    return this.#attempt("write", (db) => db.transaction(() => work(db)).immediate());
  }

  /** Lets go of a file that has lost its name to another one; the next work opens that. */
  followName(): void {
    if (this.#db === undefined || this.#isInMemory) return;
    const now = identityOf(this.#options.file);
    // A deleted file is not made anew: someone wanted it gone, and what this run knows it knows by itself.
    if (now !== undefined && now !== this.#identity) this.close();
  }

  /** For the last write of a run. */
  waitLonger(): void {
    this.#openWaitMs = LAST_WAIT_MS;
    if (this.#db !== undefined) waitForLocks(this.#db, LAST_WAIT_MS);
  }

  /** At the end of a run even a short lock has cost something. */
  tellIfLocked(): void {
    if (this.#lockedSinceMs.has("write")) this.#tell("locked", undefined);
  }

  close(): void {
    try {
      this.#db?.close();
    } catch {
      // What was committed is in the file; closing only tidies up.
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
        const next = this.#meet(error, use);
        if (next !== "again") return { kind: next };
      }
    }
  }

  #open(): Database {
    const { file } = this.#options;
    const waitMs = this.#openWaitMs;
    this.#openWaitMs = LOCK_WAIT_MS;
    this.#identity = identityOf(file);
    const db = this.#isInMemory ? openInMemory() : openDatabase(file, waitMs);
    this.#identity ??= identityOf(file);
    this.#db = db;
    this.#openings++;
    waitForLocks(db, waitMs === LAST_WAIT_MS ? waitMs : LOCK_WAIT_MS);
    return db;
  }

  /** What to do after a failure. Each `again` leads one step down, the last one being memory, so it ends. */
  #meet(error: unknown, use: Use): "again" | "later" | "never" {
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
      case "broken":
        if (!this.#putAside()) this.#goOnInMemory(fault, error);
        return "again";
      case "odd":
        if (this.#db === undefined) break;
        // An open file that refuses one piece of work is still good for the next one.
        this.#tell(fault, error);
        return "never";
      case "closed":
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

  /** Once only: a disk that breaks the fresh file too is not to be filled with broken ones. */
  #putAside(): boolean {
    const { file, nowMs, onTrouble } = this.#options;
    const isOurs = this.#identity === identityOf(file);
    this.close();
    if (this.#wasSetAside) return false;
    this.#wasSetAside = true;
    // Another orouter may have met the same file and put a fresh one in its place: that one is to be used, not moved.
    if (!isOurs) return true;
    try {
      onTrouble(setAsideTrouble(file, setAside(file, nowMs())));
      return true;
    } catch {
      return false;
    }
  }

  #goOnInMemory(fault: StateFault, error: unknown): void {
    this.close();
    this.#isInMemory = true;
    this.#tell(fault, error);
  }

  #tell(fault: StateFault, error: unknown): void {
    const problem = troubleOf(fault, this.#options.file, error);
    if (this.#told.has(problem.code)) return;
    this.#told.add(problem.code);
    this.#options.onTrouble(problem);
  }
}

/** A file that cannot even be looked at has no identity. */
function identityOf(file: string): string | undefined {
  try {
    return fileIdentity(file);
  } catch {
    return undefined;
  }
}
