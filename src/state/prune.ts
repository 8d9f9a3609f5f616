import type { Database } from "bun:sqlite";
import { pruneBenches } from "./bench-rows.ts";

/** How much of the ledger is kept. */
export interface LedgerBounds {
  days: number;
  rows: number;
}

const DAY_MS = 24 * 60 * 60_000;

/** After its end a rest matters only as a count of failures in a row, and not for long. */
const STRIKES_KEPT_MS = 60 * 60_000;

/** A cleared rest stays until every process has heard of it, also one on a laptop that sleeps overnight. */
const CLEARED_KEPT_MS = DAY_MS;

/** Requests deleted at once: the process stands still for it. */
const CHUNK = 500;

/** The oldest moment that the ledger still tells of. */
export function ledgerStartMs(days: number, nowMs: number): number {
  return nowMs - days * DAY_MS;
}

/** Whether a rest that has ended may be forgotten. */
export function isForgotten(rest: { sinceMs: number; untilMs: number }, nowMs: number): boolean {
  return Math.max(rest.sinceMs, rest.untilMs) < nowMs - STRIKES_KEPT_MS;
}

/** Deletes what is too old or too much, a piece at a time. True when there is more to delete. */
export function prune(db: Database, bounds: LedgerBounds, nowMs: number): boolean {
  db.query("DELETE FROM rests WHERE is_cleared = 1 AND at_ms < ?").run(nowMs - CLEARED_KEPT_MS);
  db.query("DELETE FROM rests WHERE is_cleared = 0 AND max(at_ms, until_ms) < ?").run(
    nowMs - STRIKES_KEPT_MS,
  );
  pruneBenches(db, nowMs);
  const old = db
    .query(
      "DELETE FROM requests WHERE seq IN (SELECT seq FROM requests WHERE at_ms < ? ORDER BY at_ms LIMIT ?)",
    )
    .run(ledgerStartMs(bounds.days, nowMs), CHUNK);
  // Numbers are given in a row and only the oldest go, so the highest one says how many there are, with no counting.
  const many = db
    .query(
      `DELETE FROM requests WHERE seq IN (
         SELECT seq FROM requests WHERE seq <= (SELECT max(seq) FROM requests) - ? ORDER BY seq LIMIT ?)`,
    )
    .run(bounds.rows, CHUNK);
  return Math.max(old.changes, many.changes) >= CHUNK;
}
