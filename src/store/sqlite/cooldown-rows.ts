import type { Database } from "bun:sqlite";
import type { Cooldown, CooldownScope } from "../../core/routing/cooldown.ts";
import { providerWords } from "../../core/scrub.ts";
import { VERDICT_KINDS } from "../../core/verdict/verdict.ts";
import { type CooldownChange, FAILURES_KEPT_MS } from "../store.ts";

interface CooldownRow {
  id: string;
  at_ms: number;
  is_cleared: number;
  scope: string;
  provider: string;
  fingerprint: string | null;
  model: string | null;
  kind: string;
  status: number;
  message: string;
  until_ms: number;
  is_declared: number;
  failures: number;
  writer: string;
  revision: number;
}

export interface WrittenChange {
  change: CooldownChange;
  writer: string;
  revision: number;
}

/** A row this far ahead was written before the clock was set back and must not override newer changes. */
const AHEAD_MS = 60_000;

/** A cleared cooldown stays until every process has seen it, including one on a laptop that sleeps overnight. */
const CLEARED_KEPT_MS = 24 * 60 * 60_000;

// Processes write some time after a change, in any order, so the later change wins.
const PUT = `
  INSERT INTO cooldowns VALUES
    ($id, $at_ms, $is_cleared, $scope, $provider, $fingerprint, $model, $kind, $status, $message, $until_ms,
     $is_declared, $failures, $writer, $revision)
  ON CONFLICT (id) DO UPDATE SET
    at_ms = excluded.at_ms, is_cleared = excluded.is_cleared, scope = excluded.scope, provider = excluded.provider,
    fingerprint = excluded.fingerprint, model = excluded.model, kind = excluded.kind, status = excluded.status,
    message = excluded.message, until_ms = excluded.until_ms, is_declared = excluded.is_declared,
    failures = excluded.failures, writer = excluded.writer, revision = excluded.revision
  WHERE excluded.at_ms >= cooldowns.at_ms OR cooldowns.at_ms > $ahead_ms`;

/** Call within a transaction. */
export function putChanges(
  db: Database,
  changes: readonly CooldownChange[],
  by: { writer: string; nowMs: number },
): void {
  if (changes.length === 0) return;
  const revision = nextRevision(db);
  const put = db.query(PUT);
  for (const change of changes) {
    put.run({ ...rowOf(change), writer: by.writer, revision, ahead_ms: by.nowMs + AHEAD_MS });
  }
}

export function changesAfter(db: Database, revision: number): WrittenChange[] {
  const rows = db
    .query<CooldownRow, [number]>("SELECT * FROM cooldowns WHERE revision > ? ORDER BY revision, id")
    .all(revision);
  return rows.map((row) => ({ change: changeOf(row), writer: row.writer, revision: row.revision }));
}

/** Deletes cooldowns that no longer matter. */
export function pruneCooldowns(db: Database, nowMs: number): void {
  db.query("DELETE FROM cooldowns WHERE is_cleared = 1 AND at_ms < ?").run(nowMs - CLEARED_KEPT_MS);
  db.query("DELETE FROM cooldowns WHERE is_cleared = 0 AND max(at_ms, until_ms) < ?").run(
    nowMs - FAILURES_KEPT_MS,
  );
}

/** Reads what was written since the last read. */
export class NewsReader {
  #opening = 0;
  #dataVersion = -1;
  #revision = 0;

  /** `opening` counts opened files: revisions of another file mean nothing in this one. */
  read(db: Database, opening: number): WrittenChange[] {
    if (opening !== this.#opening) this.#startOver(opening);
    // SQLite's data version changes when another connection has written; until then no table is read.
    const version = dataVersionOf(db);
    if (version === this.#dataVersion) return [];
    return this.#readAfter(db, version, this.#revision);
  }

  /** Reads everything; later reads continue from here. */
  readAll(db: Database, opening: number): WrittenChange[] {
    this.#startOver(opening);
    return this.#readAfter(db, dataVersionOf(db), 0);
  }

  /** Take the version before the rows: concurrent writes are then read twice, but never missed. */
  #readAfter(db: Database, version: number, revision: number): WrittenChange[] {
    const changes = changesAfter(db, revision);
    this.#dataVersion = version;
    this.#revision = changes.at(-1)?.revision ?? this.#revision;
    return changes;
  }

  #startOver(opening: number): void {
    this.#opening = opening;
    this.#dataVersion = -1;
    this.#revision = 0;
  }
}

function dataVersionOf(db: Database): number {
  return db.query<{ data_version: number }, []>("PRAGMA data_version").get()?.data_version ?? -1;
}

function nextRevision(db: Database): number {
  const row = db.query<{ value: number }, []>("UPDATE revision SET value = value + 1 RETURNING value").get();
  return row?.value ?? 0;
}

const NOTHING = {
  scope: "",
  provider: "",
  fingerprint: null,
  model: null,
  kind: "",
  status: 0,
  message: "",
  until_ms: 0,
  is_declared: 0,
  failures: 0,
};

function rowOf(change: CooldownChange): Omit<CooldownRow, "writer" | "revision"> {
  const { id, atMs } = change;
  if (change.kind === "cleared") return { ...NOTHING, id, at_ms: atMs, is_cleared: 1 };
  const { scope, provider, fingerprint, model, kind, status, message, untilMs, isDeclared } = change.cooldown;
  return {
    id,
    at_ms: atMs,
    is_cleared: 0,
    scope,
    provider,
    fingerprint: fingerprint ?? null,
    model: model ?? null,
    kind,
    status,
    message,
    until_ms: untilMs,
    is_declared: Number(isDeclared),
    failures: change.cooldown.failures,
  };
}

const SCOPES: readonly CooldownScope[] = ["lane", "key", "model", "provider"];

function changeOf(row: CooldownRow): CooldownChange {
  const { id, at_ms: atMs } = row;
  const scope = SCOPES.find((one) => one === row.scope);
  const kind = VERDICT_KINDS.find((one) => one === row.kind);
  // Another version wrote a word that we do not know, so ignore the row.
  if (row.is_cleared === 1 || scope === undefined || kind === undefined) return { kind: "cleared", id, atMs };
  const { provider, status, message, until_ms: untilMs } = row;
  const cooldown: Cooldown = {
    id,
    scope,
    provider,
    fingerprint: row.fingerprint ?? undefined,
    model: row.model ?? undefined,
    kind,
    status,
    // Written by this or an older version, which may have left in more.
    message: providerWords(message, []),
    sinceMs: atMs,
    untilMs,
    isDeclared: row.is_declared === 1,
    failures: row.failures,
  };
  return { kind: "set", id, atMs, cooldown };
}
