import type { Database } from "bun:sqlite";
import type { Rest, RestScope } from "../core/routing/rest.ts";
import { VERDICT_KINDS } from "../core/verdict/verdict.ts";
import type { RestChange } from "./rest-change.ts";

interface RestRow {
  id: string;
  at_ms: number;
  is_cleared: number;
  scope: string;
  kind: string;
  status: number;
  message: string;
  until_ms: number;
  strikes: number;
  writer: string;
  revision: number;
  is_declared: number;
}

/** A row this far ahead of the clock was written before the clock was set back; it must not keep out what is new. */
const AHEAD_MS = 60_000;

// Each process writes what it learned when it learned it, in any order: the younger news holds.
const PUT = `
  INSERT INTO rests VALUES
    ($id, $at_ms, $is_cleared, $scope, $kind, $status, $message, $until_ms, $strikes, $writer, $revision,
     $is_declared)
  ON CONFLICT (id) DO UPDATE SET
    at_ms = excluded.at_ms, is_cleared = excluded.is_cleared, scope = excluded.scope, kind = excluded.kind,
    status = excluded.status, message = excluded.message, until_ms = excluded.until_ms,
    strikes = excluded.strikes, writer = excluded.writer, revision = excluded.revision,
    is_declared = excluded.is_declared
  WHERE excluded.at_ms >= rests.at_ms OR rests.at_ms > $ahead_ms`;

/** Writes what this process has learned; to be called within a transaction. */
export function putChanges(
  db: Database,
  changes: readonly RestChange[],
  by: { writer: string; nowMs: number },
): void {
  if (changes.length === 0) return;
  const revision = nextRevision(db);
  const put = db.query(PUT);
  for (const change of changes) {
    put.run({ ...rowOf(change), writer: by.writer, revision, ahead_ms: by.nowMs + AHEAD_MS });
  }
}

/** What was written after the given revision, and by whom; the newest last. */
export function changesAfter(
  db: Database,
  revision: number,
): { change: RestChange; writer: string; revision: number }[] {
  const rows = db
    .query<RestRow, [number]>("SELECT * FROM rests WHERE revision > ? ORDER BY revision, id")
    .all(revision);
  return rows.map((row) => ({ change: changeOf(row), writer: row.writer, revision: row.revision }));
}

function nextRevision(db: Database): number {
  const row = db.query<{ value: number }, []>("UPDATE revision SET value = value + 1 RETURNING value").get();
  return row?.value ?? 0;
}

function rowOf(change: RestChange): Omit<RestRow, "writer" | "revision"> {
  const { id, atMs } = change;
  if (change.kind === "cleared") {
    return {
      id,
      at_ms: atMs,
      is_cleared: 1,
      scope: "",
      kind: "",
      status: 0,
      message: "",
      until_ms: 0,
      strikes: 0,
      is_declared: 0,
    };
  }
  const { scope, kind, status, message, untilMs, strikes, isDeclared } = change.rest;
  return {
    id,
    at_ms: atMs,
    is_cleared: 0,
    scope,
    kind,
    status,
    message,
    until_ms: untilMs,
    strikes,
    is_declared: isDeclared ? 1 : 0,
  };
}

function changeOf(row: RestRow): RestChange {
  const { id, at_ms: atMs } = row;
  const scope = SCOPES.find((one) => one === row.scope);
  const kind = VERDICT_KINDS.find((one) => one === row.kind);
  // A word we do not know came from another orouter; for us the party is free.
  if (row.is_cleared === 1 || scope === undefined || kind === undefined) return { kind: "cleared", id, atMs };
  const { status, message, until_ms: untilMs, strikes } = row;
  const isDeclared = row.is_declared === 1;
  const rest: Rest = { id, scope, kind, status, message, sinceMs: atMs, untilMs, strikes, isDeclared };
  return { kind: "rested", id, atMs, rest };
}

const SCOPES: readonly RestScope[] = ["lane", "key", "model", "provider"];
