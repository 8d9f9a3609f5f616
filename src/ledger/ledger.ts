import type { Database } from "bun:sqlite";
import type { BenchResult } from "../core/bench/results.ts";
import type { RequestRecord } from "../core/routing/events.ts";
import { scrubName } from "../core/scrub.ts";
import type { StateFile } from "../sqlite/state-file.ts";
import { WriteBehind, type WriteQueue } from "../sqlite/write-behind.ts";
import { pruneBenches, putBench, readBenches } from "./bench-rows.ts";
import {
  eraseRequests,
  type KeyCall,
  type KeyUsage,
  type LedgerBounds,
  type LedgerEntry,
  type LedgerFilter,
  ledgerStartMs,
  type ModelSpend,
  pruneRequests,
  putRecord,
  readCalls,
  readRequests,
  readSpends,
  readUsage,
  scrubRecord,
} from "./request-rows.ts";

export interface LedgerOptions {
  keep: LedgerBounds;
  /** False: nothing of a request is kept. */
  keepsRequests: boolean;
  /** False: no words of a provider are kept. */
  keepsHeads: boolean;
  /** Every secret of this run; none is ever written, whatever repeats it. Read again at each write. */
  readonly secrets: readonly string[];
  nowMs: () => number;
}

/** Rows per transaction, which blocks the process for a few milliseconds. */
const BATCH_RECORDS = 200;

/** Requests kept while the file cannot be written; the oldest are dropped first. */
const MAX_RECORDS = 2000;

const PRUNE_EVERY_MS = 10 * 60_000;

/** The finished requests and benchmark results of all processes of this machine, in state.db. No method throws. */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #file: StateFile;
  readonly #queue: LedgerQueue;
  readonly #behind: WriteBehind<LedgerBatch>;

  /** The caller closes the file, after the ledger. */
  constructor(file: StateFile, options: LedgerOptions) {
    this.#file = file;
    this.#options = options;
    this.#queue = new LedgerQueue(options);
    this.#behind = new WriteBehind(file, this.#queue);
  }

  /** The request is written a moment later. */
  add(record: RequestRecord): void {
    if (this.#behind.isClosed || !this.#options.keepsRequests) return;
    this.#queue.addRecord(record);
    this.#behind.schedule();
  }

  /** Requests of all processes, newest first. */
  requests(filter: LedgerFilter): LedgerEntry[] {
    const sinceMs = Math.max(filter.sinceMs ?? 0, this.#startMs());
    return this.#read((db) => readRequests(db, { ...filter, sinceMs })) ?? [];
  }

  /** Erases all requests; returns how many there were, and undefined where the file could not be changed. */
  erase(): number | undefined {
    return this.#read(eraseRequests);
  }

  /** What each key has done in requests that began since then, the busiest first. */
  usageSince(sinceMs: number): KeyUsage[] {
    return this.#read((db) => readUsage(db, Math.max(sinceMs, this.#startMs()))) ?? [];
  }

  /** What each key has spent on each model in requests that began since then. */
  spendsSince(sinceMs: number): ModelSpend[] {
    return this.#read((db) => readSpends(db, Math.max(sinceMs, this.#startMs()))) ?? [];
  }

  /** The calls since then that were served, or refused for a used-up quota, oldest first. */
  callsSince(sinceMs: number): KeyCall[] {
    return this.#read((db) => readCalls(db, Math.max(sinceMs, this.#startMs()))) ?? [];
  }

  saveBench(result: BenchResult): void {
    if (this.#behind.isClosed) return;
    this.#queue.addBench(result);
    this.#behind.schedule();
  }

  /** Sorted by model. */
  benches(): BenchResult[] {
    return this.#read((db) => readBenches(db, this.#options.nowMs())) ?? [];
  }

  flush(): void {
    this.#behind.flush();
  }

  /** Writes what is queued; nothing more is accepted. */
  close(): void {
    this.#behind.close();
  }

  #startMs(): number {
    return ledgerStartMs(this.#options.keep.days, this.#options.nowMs());
  }

  /** Includes what this process has queued. */
  #read<T>(work: (db: Database) => T): T | undefined {
    if (this.#behind.isClosed) return undefined;
    this.#file.followName();
    this.#behind.flush();
    const outcome = this.#file.read(work);
    return outcome.kind === "done" ? outcome.value : undefined;
  }
}

interface LedgerBatch {
  records: readonly RequestRecord[];
  benches: readonly BenchResult[];
}

export class LedgerQueue implements WriteQueue<LedgerBatch> {
  readonly #options: LedgerOptions;
  readonly #benches = new Map<string, BenchResult>();
  #records: RequestRecord[] = [];
  #nextPruneMs = 0;
  #hasMoreToPrune = false;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#records.length === 0 && this.#benches.size === 0;
  }

  addRecord(record: RequestRecord): void {
    this.#records.push(record);
    // Cut in steps: a shift for every record would move the whole list each time.
    if (this.#records.length > MAX_RECORDS * 2) this.#records = this.#records.slice(-MAX_RECORDS);
  }

  /** Bounded by the number of models. */
  addBench(result: BenchResult): void {
    this.#benches.set(result.model, result);
  }

  next(): LedgerBatch {
    return { records: this.#records.slice(0, BATCH_RECORDS), benches: [...this.#benches.values()] };
  }

  write(db: Database, { records, benches }: LedgerBatch): void {
    const { secrets, keep } = this.#options;
    const nowMs = this.#options.nowMs();
    for (const record of records) putRecord(db, scrubRecord(record, this.#options));
    for (const result of benches) putBench(db, { ...result, model: scrubName(result.model, secrets) });
    if (nowMs < this.#nextPruneMs) return;
    pruneBenches(db, nowMs);
    this.#hasMoreToPrune = pruneRequests(db, keep, nowMs);
  }

  remove({ records, benches }: LedgerBatch, isWritten: boolean): void {
    this.#records = this.#records.slice(records.length);
    for (const result of benches) {
      if (this.#benches.get(result.model) === result) this.#benches.delete(result.model);
    }
    // Only a commit has pruned anything.
    const nowMs = this.#options.nowMs();
    if (isWritten && nowMs >= this.#nextPruneMs)
      this.#nextPruneMs = this.#hasMoreToPrune ? 0 : nowMs + PRUNE_EVERY_MS;
  }
}
