import type { Database } from "bun:sqlite";
import { parseQuotaRecord, type QuotaRecord, quotaRecordId } from "../../core/quota/quota.ts";
import type { WriteQueue } from "../../sqlite/write-behind.ts";
import { QUOTAS_KEPT_MS, type StoreOptions, scrubQuota } from "../store.ts";

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
