import type { Database } from "bun:sqlite";
import type { StateFile } from "./state-file.ts";

/** Changes that wait to be written. */
export interface WriteQueue<Batch> {
  readonly isEmpty: boolean;
  /** What to write next; it stays in the queue until `remove`. */
  next: () => Batch;
  /** Runs within a transaction. */
  write: (db: Database, batch: Batch) => void;
  /** The batch is committed, or was refused for good and must not block what comes after it. */
  remove: (batch: Batch, isWritten: boolean) => void;
}

/** Together with the interval at which news is read, this spreads a dead key to other processes in under a second. */
const FLUSH_MS = 100;

/** While the file cannot be written, attempts grow this rare: each may block the process for milliseconds. */
const MAX_RETRY_MS = 2000;

/** Writes a queue to state.db a moment after it was filled, so that no request waits for the disk. */
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

  /** Call after a change was queued. */
  schedule(): void {
    this.#arm(this.#retryMs);
  }

  /** Writes what is queued now, as far as the file allows it. */
  flush(): void {
    if (!this.#isClosed) this.#drain();
  }

  /** Writes what is queued and stops. The file stays open. */
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
      // One batch per turn, so that streams get theirs in between.
      if (this.#writeBatch() && !this.#queue.isEmpty) this.#arm(0);
    }, afterMs);
    this.#timer.unref();
  }

  /** False when the file has to be tried again later; that is then scheduled. */
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
