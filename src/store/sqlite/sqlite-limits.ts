import type { Database } from "bun:sqlite";
import {
  CALL_WINDOW_MS,
  type Claim,
  type ClaimRequest,
  decideClaim,
  dueAfter,
  isInLine,
  LEASE_MS,
  LEASE_RENEW_MS,
  type SharedUse,
  type WaitingClaim,
} from "../../core/routing/shared-limits.ts";
import type { StateFile } from "../../sqlite/state-file.ts";
import type { LimitStore } from "../store.ts";

interface WaiterRow {
  id: string;
  since_ms: number;
  due_ms: number;
}

/** Tells without a write whether a request that is already in line has to go on waiting; undefined where a write is due. */
export function peekClaim(db: Database, request: ClaimRequest, nowMs: number): Claim | undefined {
  const use = useOf(db, request, nowMs);
  const own = use.waiting.find(({ id }) => id === request.waiter);
  const claim = decideClaim(use, request, nowMs);
  return claim.kind === "wait" && own !== undefined && own.dueMs >= nowMs ? claim : undefined;
}

/** Takes room for one call, or puts the request in line; call within a transaction that has the lock. */
export function takeClaim(db: Database, request: ClaimRequest, nowMs: number): Claim {
  forgetOld(db, request.key, nowMs);
  const claim = decideClaim(useOf(db, request, nowMs), request, nowMs);
  if (claim.kind === "wait") {
    db.query(
      `INSERT INTO limit_waiters VALUES ($key, $id, $now, $due)
       ON CONFLICT (key, id) DO UPDATE SET due_ms = excluded.due_ms`,
    ).run({ key: request.key, id: request.waiter, now: nowMs, due: dueAfter(claim.afterMs, nowMs) });
    return claim;
  }
  leaveLine(db, request);
  const { rpm, concurrency } = request.limits;
  if (rpm !== undefined) noteCall(db, request.key, request.id, nowMs);
  if (concurrency !== undefined) putLease(db, request, nowMs);
  return claim;
}

/** Notes a call that began at this time. */
export function noteCall(db: Database, key: string, id: string, atMs: number): void {
  db.query("INSERT OR IGNORE INTO limit_calls VALUES (?, ?, ?)").run(key, atMs, id);
}

/** Takes or renews the lease of a call. */
export function putLease(db: Database, { id, key }: Pick<ClaimRequest, "id" | "key">, nowMs: number): void {
  db.query("INSERT OR REPLACE INTO limit_leases VALUES (?, ?, ?)").run(id, key, nowMs + LEASE_MS);
}

export function endLease(db: Database, id: string): void {
  db.query("DELETE FROM limit_leases WHERE id = ?").run(id);
}

export function leaveLine(db: Database, { waiter, key }: Pick<ClaimRequest, "waiter" | "key">): void {
  db.query("DELETE FROM limit_waiters WHERE key = ? AND id = ?").run(key, waiter);
}

function useOf(db: Database, { key, limits }: ClaimRequest, nowMs: number): SharedUse {
  const startsMs =
    limits.rpm === undefined
      ? []
      : db
          .query<{ at_ms: number }, [string, number]>(
            "SELECT at_ms FROM limit_calls WHERE key = ? AND at_ms > ? ORDER BY at_ms",
          )
          .all(key, nowMs - CALL_WINDOW_MS)
          .map((row) => row.at_ms);
  const leases =
    limits.concurrency === undefined
      ? 0
      : (db
          .query<{ count: number }, [string, number]>(
            "SELECT count(*) AS count FROM limit_leases WHERE key = ? AND until_ms > ?",
          )
          .get(key, nowMs)?.count ?? 0);
  const waiting = db
    .query<WaiterRow, [string]>("SELECT id, since_ms, due_ms FROM limit_waiters WHERE key = ?")
    .all(key)
    .map((row): WaitingClaim => ({ id: row.id, sinceMs: row.since_ms, dueMs: row.due_ms }));
  return { startsMs, leases, waiting };
}

/** A row this far ahead of the clock was written before the clock was set back. */
const AHEAD_MS = 1_000;

/** Rows that no longer count, and those that a clock which was set back has left in the future. */
function forgetOld(db: Database, key: string, nowMs: number): void {
  db.query("DELETE FROM limit_calls WHERE key = ? AND (at_ms <= ? OR at_ms > ?)").run(
    key,
    nowMs - CALL_WINDOW_MS,
    nowMs + AHEAD_MS,
  );
  db.query("DELETE FROM limit_leases WHERE key = ? AND (until_ms <= ? OR until_ms > ?)").run(
    key,
    nowMs,
    nowMs + LEASE_MS + AHEAD_MS,
  );
  const waiters = db
    .query<WaiterRow, [string]>("SELECT id, since_ms, due_ms FROM limit_waiters WHERE key = ?")
    .all(key);
  for (const row of waiters) {
    const waiter = { id: row.id, sinceMs: row.since_ms, dueMs: row.due_ms };
    if (!isInLine(waiter, nowMs) || waiter.sinceMs > nowMs + AHEAD_MS) leaveLine(db, { key, waiter: row.id });
  }
}

/** Between tries at a locked file. */
const RETRY_MS = 10;

/** A file that stays locked this long cannot answer: a request must not wait for another program. */
const GIVE_UP_MS = 250;

/** The limits of keys over all processes of one machine, in state.db. */
export class SqliteLimits implements LimitStore {
  readonly #file: StateFile;
  readonly #nowMs: () => number;
  /** The keys of the calls under way that hold a lease. */
  readonly #leases = new Map<string, string>();
  #renewal: ReturnType<typeof setInterval> | undefined;

  constructor(file: StateFile, nowMs: () => number) {
    this.#file = file;
    this.#nowMs = nowMs;
  }

  async claim(request: ClaimRequest): Promise<Claim> {
    const endMs = performance.now() + GIVE_UP_MS;
    for (;;) {
      const claim = this.#try(request);
      if (claim !== undefined) return claim;
      if (performance.now() > endMs) return { kind: "unknown" };
      await Bun.sleep(RETRY_MS);
    }
  }

  release(id: string): void {
    if (!this.#leases.delete(id)) return;
    this.#write((db) => endLease(db, id));
    if (this.#leases.size === 0) this.#stopRenewal();
  }

  leave(request: Pick<ClaimRequest, "waiter" | "key">): void {
    this.#write((db) => leaveLine(db, request));
  }

  /** Gives all leases back. */
  close(): void {
    this.#stopRenewal();
    if (this.#leases.size === 0) return;
    this.#write((db) => {
      for (const id of this.#leases.keys()) endLease(db, id);
    });
    this.#leases.clear();
  }

  /** Undefined where the file is locked just now. */
  #try(request: ClaimRequest): Claim | undefined {
    // The time is read under the lock: a call that began in the meantime must not seem to lie in the future.
    const seen = this.#file.read((db) => peekClaim(db, request, this.#nowMs()));
    if (seen.kind === "done" && seen.value !== undefined) return seen.value;
    const taken = this.#file.write((db) => takeClaim(db, request, this.#nowMs()));
    if (taken.kind === "later") return undefined;
    if (taken.kind === "never") return { kind: "unknown" };
    if (taken.value.kind === "granted" && request.limits.concurrency !== undefined) this.#hold(request);
    return taken.value;
  }

  #hold({ id, key }: ClaimRequest): void {
    this.#leases.set(id, key);
    if (this.#renewal !== undefined) return;
    this.#renewal = setInterval(() => this.#renew(), LEASE_RENEW_MS);
    this.#renewal.unref();
  }

  /** Leases that have ended meanwhile, on a machine that slept, are taken again: the calls are still under way. */
  #renew(): void {
    this.#write((db) => {
      const nowMs = this.#nowMs();
      for (const [id, key] of this.#leases) putLease(db, { id, key }, nowMs);
    });
  }

  #stopRenewal(): void {
    clearInterval(this.#renewal);
    this.#renewal = undefined;
  }

  /** A write that a lock prevents is made up for by the end of the lease, or of the place in line. */
  #write(work: (db: Database) => void): void {
    this.#file.write(work);
  }
}
