import type { Database } from "bun:sqlite";
import type { StateFile } from "./state-file.ts";

export interface WriteQueue<Batch> {
  readonly isEmpty: boolean;
  /** The next batch; it stays in the queue until `remove`. */
  next: () => Batch;
  /** Runs within a transaction. */
  write: (db: Database, batch: Batch) => void;
  /** The batch was committed, or failed for good and must not block the following ones. */
  remove: (batch: Batch, isWritten: boolean) => void;
}

/** With the poll interval of the readers, a dead key reaches other processes in under a second. */
const FLUSH_MS = 100;

/** The longest pause between retries, since each may block the process for milliseconds. */
const MAX_RETRY_MS = 2000;

/** Writes a queue to state.db shortly after it was filled, so that no request waits for the disk. */
export class WriteBehind<Batch> {
  readonly #file: StateFile;
  readonly #queue: WriteQueue<Batch>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retryMs = FLUSH_MS;
  #isClosed = false;

  constructor(file: StateFile, queue: WriteQueue<Batch>) {
    this.#file = file;
    this.#queue = queue;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Call after adding a change. */
  schedule(): void {
    this.#arm(this.#retryMs);
  }

  /** Writes what is queued now, as far as the file allows it. */
  flush(): void {
    if (!this.#isClosed) this.#drain();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#queue.isEmpty) this.#file.waitLonger();
    this.#drain();
    if (!this.#queue.isEmpty) this.#file.tellIfLocked();
  }

  #drain(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (!this.#queue.isEmpty && this.#writeBatch());
  }

  #arm(afterMs: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // One batch per turn, so that streams continue in between.
      if (this.#writeBatch() && !this.#queue.isEmpty) this.#arm(0);
    }, afterMs);
    this.#timer.unref();
  }

  /** Returns false if a retry was scheduled. */
  #writeBatch(): boolean {
    const batch = this.#queue.next();
    const outcome = this.#file.write((db) => this.#queue.write(db, batch));
    if (outcome.kind === "later") {
      this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
      if (!this.#isClosed) this.#arm(this.#retryMs);
      return false;
    }
    this.#retryMs = FLUSH_MS;
    this.#queue.remove(batch, outcome.kind === "done");
    return true;
  }
}
