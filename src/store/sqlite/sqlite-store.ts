import type { Database } from "bun:sqlite";
import { parseQuotaRecord, type QuotaRecord, quotaRecordId } from "../../core/quota/quota.ts";
import type { Cooldown } from "../../core/routing/cooldown.ts";
import type { StateFile } from "../../sqlite/state-file.ts";
import { WriteBehind, type WriteQueue } from "../../sqlite/write-behind.ts";
import {
  type CooldownChange,
  type CooldownStore,
  isForgotten,
  type News,
  QUOTAS_KEPT_MS,
  type QuotaStore,
  type RunStore,
  type Store,
  type StoreOptions,
  scrubChange,
  scrubQuota,
} from "../store.ts";
import { NewsReader, pruneCooldowns, putChanges, type WrittenChange } from "./cooldown-rows.ts";
import { SqliteLimits } from "./sqlite-limits.ts";

// Processes write in any order: the later reading holds. One from the future was written before the clock was set back.
const PUT = `
  INSERT INTO quotas VALUES ($id, $at_ms, $record)
  ON CONFLICT (id) DO UPDATE SET at_ms = excluded.at_ms, record = excluded.record
  WHERE excluded.at_ms >= quotas.at_ms OR quotas.at_ms > $ahead_ms`;

const AHEAD_MS = 60_000;

/** Every stored record that this version understands. */
export function readQuotas(db: Database): QuotaRecord[] {
  const rows = db.query<{ record: string }, []>("SELECT record FROM quotas ORDER BY id").all();
  return rows.flatMap(({ record }) => parseQuotaRecord(record) ?? []);
}

/** Readings of this process that are not written yet: of each key the last one. */
export class QuotaQueue implements WriteQueue<readonly QuotaRecord[]> {
  readonly #records = new Map<string, QuotaRecord>();
  readonly #options: StoreOptions;

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#records.size === 0;
  }

  add(record: QuotaRecord): void {
    this.#records.set(quotaRecordId(record), record);
  }

  next(): readonly QuotaRecord[] {
    return [...this.#records.values()];
  }

  write(db: Database, batch: readonly QuotaRecord[]): void {
    const nowMs = this.#options.nowMs();
    const put = db.query(PUT);
    for (const record of batch) {
      put.run({
        id: quotaRecordId(record),
        at_ms: record.atMs,
        record: JSON.stringify(scrubQuota(record, this.#options.secrets)),
        ahead_ms: nowMs + AHEAD_MS,
      });
    }
    db.query("DELETE FROM quotas WHERE at_ms < ?").run(nowMs - QUOTAS_KEPT_MS);
  }

  remove(batch: readonly QuotaRecord[]): void {
    for (const record of batch) {
      const id = quotaRecordId(record);
      if (this.#records.get(id) === record) this.#records.delete(id);
    }
  }
}

const POLL_MS = 400;
const PRUNE_EVERY_MS = 10 * 60_000;

/** Changes kept while the file cannot be written; the oldest are dropped first. */
const MAX_CHANGES = 10_000;

/** state.db is of one machine. */
const NO_OTHER_RUNS: RunStore = { announce: () => {}, withdraw: () => {}, others: async () => [] };

/** Shared by the processes of one machine. Blocks for the few milliseconds of each statement. */
export class SqliteStore implements Store {
  readonly cooldowns: CooldownStore;
  readonly quotas: QuotaStore;
  readonly limits: SqliteLimits;
  readonly runs: RunStore = NO_OTHER_RUNS;
  readonly #options: StoreOptions;
  readonly #file: StateFile;
  readonly #writer = crypto.randomUUID();
  readonly #news = new NewsReader();
  readonly #queue: CooldownQueue;
  readonly #behind: WriteBehind<readonly CooldownChange[]>;
  readonly #quotaQueue: QuotaQueue;
  readonly #quotasBehind: WriteBehind<readonly QuotaRecord[]>;
  #poll: ReturnType<typeof setInterval> | undefined;

  /** The caller closes the file, after the store. */
  constructor(file: StateFile, options: StoreOptions) {
    this.#file = file;
    this.#options = options;
    this.#queue = new CooldownQueue(this.#writer, options);
    this.#behind = new WriteBehind(file, this.#queue);
    this.#quotaQueue = new QuotaQueue(options);
    this.#quotasBehind = new WriteBehind(file, this.#quotaQueue);
    this.quotas = {
      all: async () => this.#allQuotas(),
      set: (record) => {
        if (this.#quotasBehind.isClosed) return;
        this.#quotaQueue.add(record);
        this.#quotasBehind.schedule();
      },
    };
    this.limits = new SqliteLimits(file, options.nowMs);
    this.cooldowns = {
      all: async () => this.#all(),
      set: (cooldown) => this.#change({ kind: "set", id: cooldown.id, atMs: cooldown.sinceMs, cooldown }),
      clear: (id) => this.#change({ kind: "cleared", id, atMs: options.nowMs() }),
    };
  }

  watch(onNews: (news: News) => void): () => void {
    clearInterval(this.#poll);
    const poll = setInterval(() => {
      this.#file.followName();
      const news = this.#readNews();
      if (news.set.length + news.cleared.length > 0) onNews(news);
    }, POLL_MS);
    poll.unref();
    this.#poll = poll;
    return () => clearInterval(poll);
  }

  async flush(): Promise<void> {
    this.#behind.flush();
    this.#quotasBehind.flush();
  }

  async close(): Promise<void> {
    clearInterval(this.#poll);
    this.limits.close();
    this.#behind.close();
    this.#quotasBehind.close();
  }

  #change(change: CooldownChange): void {
    if (this.#behind.isClosed) return;
    this.#queue.add(change);
    this.#behind.schedule();
  }

  #all(): Cooldown[] {
    if (this.#behind.isClosed) return [];
    this.#behind.flush();
    const written = this.#read((db) => this.#news.readAll(db, this.#file.openings));
    const changes = new Map(written.map(({ change }) => [change.id, change]));
    // A lock may have kept the queue from being written.
    for (const change of this.#queue.next())
      if (!isOlder(change, changes.get(change.id))) changes.set(change.id, change);
    const nowMs = this.#options.nowMs();
    return [...changes.values()].flatMap((change) =>
      change.kind === "set" && !isForgotten(change.cooldown, nowMs) ? [change.cooldown] : [],
    );
  }

  #allQuotas(): QuotaRecord[] {
    if (this.#quotasBehind.isClosed) return [];
    this.#quotasBehind.flush();
    const outcome = this.#file.read(readQuotas);
    const written = outcome.kind === "done" ? outcome.value : [];
    return [
      ...new Map([...written, ...this.#quotaQueue.next()].map((one) => [quotaRecordId(one), one])).values(),
    ];
  }

  #readNews(): News {
    const news: News = { set: [], cleared: [] };
    for (const { change, writer } of this.#read((db) => this.#news.read(db, this.#file.openings))) {
      // The queued change of this process will win.
      if (writer === this.#writer || isOlder(change, this.#queue.get(change.id))) continue;
      if (change.kind === "set") news.set.push(change.cooldown);
      else news.cleared.push(change.id);
    }
    return news;
  }

  #read(work: (db: Database) => WrittenChange[]): WrittenChange[] {
    const outcome = this.#file.read(work);
    return outcome.kind === "done" ? outcome.value : [];
  }
}

function isOlder(change: CooldownChange, other: CooldownChange | undefined): boolean {
  return other !== undefined && other.atMs >= change.atMs;
}

export class CooldownQueue implements WriteQueue<readonly CooldownChange[]> {
  readonly #changes = new Map<string, CooldownChange>();
  readonly #writer: string;
  readonly #options: StoreOptions;
  #nextPruneMs = 0;

  constructor(writer: string, options: StoreOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#changes.size === 0;
  }

  /** Only the last of several changes to one cooldown matters. */
  add(change: CooldownChange): void {
    this.#changes.delete(change.id);
    this.#changes.set(change.id, change);
    if (this.#changes.size <= MAX_CHANGES) return;
    for (const oldest of this.#changes.keys()) {
      this.#changes.delete(oldest);
      return;
    }
  }

  get(id: string): CooldownChange | undefined {
    return this.#changes.get(id);
  }

  next(): readonly CooldownChange[] {
    return [...this.#changes.values()];
  }

  write(db: Database, batch: readonly CooldownChange[]): void {
    const nowMs = this.#options.nowMs();
    const clean = batch.map((change) => scrubChange(change, this.#options));
    putChanges(db, clean, { writer: this.#writer, nowMs });
    if (nowMs >= this.#nextPruneMs) pruneCooldowns(db, nowMs);
  }

  remove(batch: readonly CooldownChange[], isWritten: boolean): void {
    for (const change of batch) {
      if (this.#changes.get(change.id) === change) this.#changes.delete(change.id);
    }
    const nowMs = this.#options.nowMs();
    if (isWritten && nowMs >= this.#nextPruneMs) this.#nextPruneMs = nowMs + PRUNE_EVERY_MS;
  }
}
