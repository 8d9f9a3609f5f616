import type { BenchResult } from "../core/bench/results.ts";
import type { RequestRecord } from "../core/routing/request-record.ts";
import type { RestChange } from "./rest-change.ts";

/** What one transaction writes. */
export interface Batch {
  changes: readonly RestChange[];
  records: readonly RequestRecord[];
  benches: readonly BenchResult[];
}

/** Rows of the ledger in one transaction: the process stands still for it, so it stays at a few milliseconds. */
const BATCH_RECORDS = 200;

/** Kept at most while the file cannot be written; the oldest go first. */
const MAX_RECORDS = 2000;
const MAX_CHANGES = 10_000;

/** What is noted and not yet written. */
export class Pending {
  readonly #changes = new Map<string, RestChange>();
  readonly #benches = new Map<string, BenchResult>();
  #records: RequestRecord[] = [];

  get isEmpty(): boolean {
    return this.#changes.size === 0 && this.#records.length === 0 && this.#benches.size === 0;
  }

  /** Of several changes to one party only the last matters. */
  addChange(change: RestChange): void {
    this.#changes.delete(change.id);
    this.#changes.set(change.id, change);
    if (this.#changes.size <= MAX_CHANGES) return;
    for (const oldest of this.#changes.keys()) {
      this.#changes.delete(oldest);
      return;
    }
  }

  addRecord(record: RequestRecord): void {
    this.#records.push(record);
    // Cut in steps: a shift for every record would move the whole list each time.
    if (this.#records.length > MAX_RECORDS * 2) this.#records = this.#records.slice(-MAX_RECORDS);
  }

  /** There are never more of them than models that someone has had measured. */
  addBench(result: BenchResult): void {
    this.#benches.set(result.model, result);
  }

  /** When the change that waits for this party was learned. */
  changedAtMs(id: string): number | undefined {
    return this.#changes.get(id)?.atMs;
  }

  /** What to write next. It stays here until `written`. */
  nextBatch(): Batch {
    return {
      changes: [...this.#changes.values()],
      records: this.#records.slice(0, BATCH_RECORDS),
      benches: [...this.#benches.values()],
    };
  }

  written(batch: Batch): void {
    for (const change of batch.changes) {
      if (this.#changes.get(change.id) === change) this.#changes.delete(change.id);
    }
    this.#records = this.#records.slice(batch.records.length);
    for (const result of batch.benches) {
      if (this.#benches.get(result.model) === result) this.#benches.delete(result.model);
    }
  }
}
