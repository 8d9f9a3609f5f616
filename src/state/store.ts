import type { Database } from "bun:sqlite";
import type { BenchResult } from "../core/bench/results.ts";
import type { Rest } from "../core/routing/rest.ts";
import type { RouterEvent } from "../core/routing/router-event.ts";
import { putBench, readBenches } from "./bench-rows.ts";
import { type LedgerEntry, type LedgerFilter, putRecord, readRequests } from "./ledger.ts";
import { News } from "./news.ts";
import { type Batch, Pending } from "./pending.ts";
import { isForgotten, ledgerStartMs, prune } from "./prune.ts";
import type { RestChange } from "./rest-change.ts";
import { putChanges } from "./rest-rows.ts";
import { scrubBench, scrubChange, scrubRecord } from "./scrub.ts";
import { StateFile } from "./state-file.ts";
import type { OthersNews, StateOptions, StateStore } from "./state-store.ts";
import { type KeyUsage, readUsage } from "./usage.ts";

/** With the poll this keeps a dead key's news well under a second. */
const FLUSH_MS = 100;
const POLL_MS = 400;

/** While the file cannot be written the tries grow this rare: each may stop the process for milliseconds. */
const MAX_RETRY_MS = 2000;

const PRUNE_EVERY_MS = 10 * 60_000;

/** Opens the store. A file that cannot be used is no reason to fail: then the store is one in memory. */
export function openState(options: StateOptions): StateStore {
  return new SqliteStore(options);
}

class SqliteStore implements StateStore {
  readonly #options: StateOptions;
  readonly #nowMs: () => number;
  readonly #file: StateFile;
  readonly #pending = new Pending();
  readonly #writer = crypto.randomUUID();
  readonly #news = new News(this.#writer);
  readonly #atStart: readonly Rest[];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retryMs = FLUSH_MS;
  #poll: ReturnType<typeof setInterval> | undefined;
  #nextPruneMs = 0;
  #isClosed = false;

  constructor(options: StateOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#file = new StateFile({ file: options.file, nowMs: this.#nowMs, onTrouble: options.onTrouble });
    this.#atStart = this.#readNews()?.rests ?? [];
  }

  rests(): Rest[] {
    const nowMs = this.#nowMs();
    return this.#atStart.filter((rest) => !isForgotten(rest, nowMs));
  }

  note(event: RouterEvent): void {
    if (this.#isClosed) return;
    switch (event.kind) {
      case "rested": {
        const { rest } = event;
        this.#pending.addChange({ kind: "rested", id: rest.id, atMs: rest.sinceMs, rest });
        break;
      }
      case "cleared":
        this.#pending.addChange({ kind: "cleared", id: event.id, atMs: this.#nowMs() });
        break;
      case "finished":
        this.#pending.addRecord(event.record);
        break;
      case "waiting":
      case "wait-ended":
      case "writing-call":
      case "rotated":
      case "fell-back":
      case "exhausted":
      case "key-changed":
      case "settings-taken":
      case "models-changed":
      case "settings-refused":
        return;
    }
    this.#arm(this.#retryMs);
  }

  watch(onNews: (news: OthersNews) => void): () => void {
    clearInterval(this.#poll);
    const poll = setInterval(() => {
      this.#file.followName();
      const news = this.#readNews();
      if (news !== undefined && news.rests.length + news.cleared.length > 0) onNews(news);
    }, POLL_MS);
    poll.unref();
    this.#poll = poll;
    return () => clearInterval(poll);
  }

  requests(filter: LedgerFilter): LedgerEntry[] {
    const sinceMs = Math.max(filter.sinceMs ?? 0, this.#ledgerStartMs());
    return this.#read((db) => readRequests(db, { ...filter, sinceMs })) ?? [];
  }

  usageSince(sinceMs: number): KeyUsage[] {
    return this.#read((db) => readUsage(db, Math.max(sinceMs, this.#ledgerStartMs()))) ?? [];
  }

  saveBench(result: BenchResult): void {
    if (this.#isClosed) return;
    this.#pending.addBench(result);
    this.#arm(this.#retryMs);
  }

  benches(): BenchResult[] {
    return this.#read((db) => readBenches(db, this.#nowMs())) ?? [];
  }

  flush(): void {
    if (!this.#isClosed) this.#drain();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#poll);
    if (!this.#pending.isEmpty) this.#file.waitLonger();
    this.#drain();
    if (!this.#pending.isEmpty) this.#file.tellIfLocked();
    this.#file.close();
  }

  #drain(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (!this.#pending.isEmpty && this.#writeBatch());
  }

  #arm(afterMs: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // One batch a turn, so that streams get theirs in between.
      if (this.#writeBatch() && !this.#pending.isEmpty) this.#arm(0);
    }, afterMs);
    this.#timer.unref();
  }

  /** False when the file has to be tried again later; that is then arranged. */
  #writeBatch(): boolean {
    const batch = this.#pending.nextBatch();
    const outcome = this.#file.write((db) => this.#write(db, batch));
    if (outcome.kind === "later") {
      this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
      if (!this.#isClosed) this.#arm(this.#retryMs);
      return false;
    }
    this.#retryMs = FLUSH_MS;
    if (outcome.kind === "done") this.#nextPruneMs = outcome.value;
    // What is refused for good is let go: it would stand in the way of all that comes after it.
    this.#pending.written(batch);
    return true;
  }

  /** Says when to prune next: only once it is committed has this time's pruning been done. */
  #write(db: Database, batch: Batch): number {
    const { secrets, ledgerDays, ledgerRows } = this.#options;
    const nowMs = this.#nowMs();
    putChanges(
      db,
      batch.changes.map((change) => scrubChange(change, secrets)),
      { writer: this.#writer, nowMs },
    );
    for (const record of batch.records) putRecord(db, scrubRecord(record, secrets));
    for (const result of batch.benches) putBench(db, scrubBench(result, secrets));
    if (nowMs < this.#nextPruneMs) return this.#nextPruneMs;
    const hasMore = prune(db, { days: ledgerDays, rows: ledgerRows }, nowMs);
    return hasMore ? 0 : nowMs + PRUNE_EVERY_MS;
  }

  #readNews(): OthersNews | undefined {
    const outcome = this.#file.read((db) => this.#news.read(db, this.#file.openings));
    if (outcome.kind !== "done") return undefined;
    const news: OthersNews = { rests: [], cleared: [] };
    for (const change of outcome.value) {
      if (this.#isLate(change)) continue;
      if (change.kind === "rested") news.rests.push(change.rest);
      else news.cleared.push(change.id);
    }
    return news;
  }

  /** What we have learned since and not yet written will win over it. */
  #isLate(change: RestChange): boolean {
    const oursMs = this.#pending.changedAtMs(change.id);
    return oursMs !== undefined && oursMs >= change.atMs;
  }

  #ledgerStartMs(): number {
    return ledgerStartMs(this.#options.ledgerDays, this.#nowMs());
  }

  /** Reads what this process has noted, too. */
  #read<T>(work: (db: Database) => T): T | undefined {
    if (this.#isClosed) return undefined;
    this.#drain();
    const outcome = this.#file.read(work);
    return outcome.kind === "done" ? outcome.value : undefined;
  }
}
