import type { Database, SQLQueryBindings } from "bun:sqlite";
import type { AttemptRecord, RequestOutcome, RequestRecord } from "../core/routing/events.ts";
import { ownWords, providerWords, scrubName } from "../core/scrub.ts";
import type { Fault } from "../core/verdict/verdict.ts";

/** An absent field matches all. */
export interface LedgerFilter {
  limit: number;
  sinceMs?: number | undefined;
  /** Only requests written after this one, for a reader that follows. */
  afterSeq?: number | undefined;
  /** Only requests with a failed attempt, even if another key or model answered them. */
  failuresOnly?: boolean | undefined;
  /** A key that was tried, whether it answered or not. */
  keyName?: string | undefined;
  /** A model that was requested or tried. */
  model?: string | undefined;
  session?: string | undefined;
}

/** `seq` grows in the order of writing. */
export interface LedgerEntry extends RequestRecord {
  seq: number;
}

type RequestRow = Omit<LedgerEntry, "attempts" | NullableField> &
  Record<"session" | "client" | "asked" | "served" | "keyName", string | null> &
  Record<"firstTokenMs" | "inputTokens" | "outputTokens", number | null> & { outcome: RequestOutcome };

type NullableField =
  | "session"
  | "client"
  | "asked"
  | "served"
  | "keyName"
  | "firstTokenMs"
  | "inputTokens"
  | "outputTokens";

// A batch whose commit was interrupted is written again; the unique id prevents duplicates.
const PUT_REQUEST = `
  INSERT INTO requests (id, at_ms, session, client, asked, served, key_name, outcome, waited_ms, first_token_ms,
    duration_ms, input_tokens, output_tokens, has_failure, served_by)
  VALUES ($id, $atMs, $session, $client, $asked, $served, $keyName, $outcome, $waitedMs, $firstTokenMs,
    $durationMs, $inputTokens, $outputTokens, $hasFailure, $servedBy)
  ON CONFLICT (id) DO NOTHING RETURNING seq`;

const PUT_ATTEMPT = `
  INSERT INTO attempts VALUES
    ($request, $place, $atMs, $model, $keyName, $fingerprint, $status, $verdict, $durationMs, $message, $fault,
     $waitMs)`;

/** Call within a transaction. */
export function putRecord(db: Database, record: RequestRecord): void {
  const {
    attempts,
    session,
    client,
    asked,
    served,
    keyName,
    firstTokenMs,
    inputTokens,
    outputTokens,
    ...rest
  } = record;
  const servedBy = attempts.findLastIndex((attempt) => attempt.verdict === "ok");
  const row = db.query<{ seq: number }, [Record<string, string | number | null>]>(PUT_REQUEST).get({
    ...rest,
    session: session ?? null,
    client: client ?? null,
    asked: asked ?? null,
    served: served ?? null,
    keyName: keyName ?? null,
    firstTokenMs: firstTokenMs ?? null,
    inputTokens: inputTokens ?? null,
    outputTokens: outputTokens ?? null,
    hasFailure: Number(hasFailure(record)),
    servedBy: servedBy === -1 ? null : servedBy,
  });
  if (row === null) return;
  const put = db.query(PUT_ATTEMPT);
  for (const [place, attempt] of attempts.entries()) {
    const { fault = null, waitMs = null, ...rest } = attempt;
    put.run({ ...rest, fault, waitMs, request: row.seq, place });
  }
}

/** A client that hung up is not a failure. */
function hasFailure({ outcome, attempts }: RequestRecord): boolean {
  if (attempts.some(({ verdict }) => verdict !== "ok" && verdict !== "cancelled")) return true;
  return outcome !== "served" && outcome !== "client-gone";
}

type AttemptRow = Omit<AttemptRecord, "fault" | "waitMs"> & { fault: Fault | null; waitMs: number | null };

const REQUEST_FIELDS = `seq, id, at_ms AS atMs, session, client, asked, served, key_name AS keyName, outcome,
  waited_ms AS waitedMs, first_token_ms AS firstTokenMs, duration_ms AS durationMs,
  input_tokens AS inputTokens, output_tokens AS outputTokens`;

const ATTEMPTS = `
  SELECT at_ms AS atMs, model, key_name AS keyName, fingerprint, status, verdict, duration_ms AS durationMs, message, fault,
    wait_ms AS waitMs
  FROM attempts WHERE request = ? ORDER BY place`;

/** Newest first. */
export function readRequests(db: Database, filter: LedgerFilter): LedgerEntry[] {
  const { where, values } = conditions(filter);
  const rows = db
    .query<RequestRow, SQLQueryBindings[]>(
      `SELECT ${REQUEST_FIELDS} FROM requests ${where} ORDER BY seq DESC LIMIT ?`,
    )
    .all(...values, filter.limit);
  const attempts = db.query<AttemptRow, [number]>(ATTEMPTS);
  return rows.map((row) => ({
    ...row,
    session: row.session ?? undefined,
    client: row.client ?? undefined,
    asked: row.asked ?? undefined,
    served: row.served ?? undefined,
    keyName: row.keyName ?? undefined,
    firstTokenMs: row.firstTokenMs ?? undefined,
    inputTokens: row.inputTokens ?? undefined,
    outputTokens: row.outputTokens ?? undefined,
    attempts: attempts.all(row.seq).map(({ fault, waitMs, ...attempt }) => ({
      ...attempt,
      ...(fault === null ? {} : { fault }),
      ...(waitMs === null ? {} : { waitMs }),
    })),
  }));
}

const TRIED = "EXISTS (SELECT 1 FROM attempts WHERE request = requests.seq AND";

function conditions(filter: LedgerFilter): { where: string; values: SQLQueryBindings[] } {
  const { sinceMs, afterSeq, failuresOnly, keyName, model, session } = filter;
  const parts: [sql: string, ...values: SQLQueryBindings[]][] = [];
  if (sinceMs !== undefined) parts.push(["at_ms >= ?", sinceMs]);
  if (afterSeq !== undefined) parts.push(["seq > ?", afterSeq]);
  if (failuresOnly === true) parts.push(["has_failure = 1"]);
  if (keyName !== undefined) parts.push([`${TRIED} attempts.key_name = ?)`, keyName]);
  if (model !== undefined) parts.push([`(asked = ? OR ${TRIED} attempts.model = ?))`, model, model]);
  if (session !== undefined) parts.push(["session = ?", session]);
  if (parts.length === 0) return { where: "", values: [] };
  return {
    where: `WHERE ${parts.map(([sql]) => sql).join(" AND ")}`,
    values: parts.flatMap(([, ...values]) => values),
  };
}

export interface KeyUsage {
  fingerprint: string;
  keyName: string;
  requests: number;
  /** Failed attempts, whatever was at fault. */
  refusals: number;
  inputTokens: number;
  outputTokens: number;
}

// Tokens belong to the last key that answered. SQLite takes the bare columns from the row that holds the max.
const USAGE = `
  SELECT attempts.fingerprint, attempts.key_name AS keyName, max(attempts.at_ms) AS lastMs,
    sum(attempts.place IS requests.served_by) AS requests,
    sum(attempts.verdict NOT IN ('ok', 'cancelled')) AS refusals,
    sum(CASE WHEN attempts.place = requests.served_by THEN coalesce(input_tokens, 0) ELSE 0 END) AS inputTokens,
    sum(CASE WHEN attempts.place = requests.served_by THEN coalesce(output_tokens, 0) ELSE 0 END) AS outputTokens
  FROM requests JOIN attempts ON attempts.request = requests.seq
  WHERE requests.at_ms >= ?
  GROUP BY attempts.fingerprint
  ORDER BY requests DESC, attempts.fingerprint`;

/** Counts requests that began since this time, the busiest key first. */
export function readUsage(db: Database, sinceMs: number): KeyUsage[] {
  return db
    .query<KeyUsage & { lastMs: number }, [number]>(USAGE)
    .all(sinceMs)
    .map(({ lastMs: _lastMs, ...usage }) => usage);
}

export interface ModelSpend {
  fingerprint: string;
  model: string;
  requests: number;
  inputTokens: number;
  outputTokens: number;
}

const SPENDS = `
  SELECT attempts.fingerprint, attempts.model, count(*) AS requests,
    sum(coalesce(input_tokens, 0)) AS inputTokens, sum(coalesce(output_tokens, 0)) AS outputTokens
  FROM requests JOIN attempts ON attempts.request = requests.seq AND attempts.place = requests.served_by
  WHERE requests.at_ms >= ? GROUP BY attempts.fingerprint, attempts.model`;

export function readSpends(db: Database, sinceMs: number): ModelSpend[] {
  return db.query<ModelSpend, [number]>(SPENDS).all(sinceMs);
}

/** A call of a key, for what is learned of its quota. */
export interface KeyCall {
  fingerprint: string;
  model: string;
  atMs: number;
  verdict: AttemptRecord["verdict"];
}

const CALLS = `
  SELECT attempts.fingerprint, attempts.model, attempts.at_ms AS atMs, attempts.verdict
  FROM requests JOIN attempts ON attempts.request = requests.seq
  WHERE requests.at_ms >= ? AND attempts.verdict IN ('ok', 'quota') ORDER BY attempts.at_ms`;

/** The calls since then that were served, or refused for a used-up quota, oldest first. */
export function readCalls(db: Database, sinceMs: number): KeyCall[] {
  return db.query<KeyCall, [number]>(CALLS).all(sinceMs);
}

export interface LedgerBounds {
  days: number;
  rows: number;
}

const DAY_MS = 24 * 60 * 60_000;

/** Requests deleted at once; the process blocks meanwhile. */
const CHUNK = 500;

/** The oldest moment that the ledger still covers. */
export function ledgerStartMs(days: number, nowMs: number): number {
  return nowMs - days * DAY_MS;
}

/** Deletes requests that are too old or too many, a chunk at a time. Returns true if there is more to delete. */
export function pruneRequests(db: Database, bounds: LedgerBounds, nowMs: number): boolean {
  const old = db
    .query(
      "DELETE FROM requests WHERE seq IN (SELECT seq FROM requests WHERE at_ms < ? ORDER BY at_ms LIMIT ?)",
    )
    .run(ledgerStartMs(bounds.days, nowMs), CHUNK);
  // Numbers are assigned in order and only the oldest go, so the highest one gives the count.
  const many = db
    .query(
      `DELETE FROM requests WHERE seq IN (
         SELECT seq FROM requests WHERE seq <= (SELECT max(seq) FROM requests) - ? ORDER BY seq LIMIT ?)`,
    )
    .run(bounds.rows, CHUNK);
  return Math.max(old.changes, many.changes) >= CHUNK;
}

/** Erases all requests, their bytes too. Returns how many there were. */
export function eraseRequests(db: Database): number {
  const erased = db.transaction(() => {
    db.run("DELETE FROM attempts");
    return db.query("DELETE FROM requests").run().changes;
  });
  const count = erased.immediate();
  // The log beside the file holds copies of the rows.
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  return count;
}

/** An id that we made is random, so it cannot contain a secret. */
const MADE_HERE = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function scrubRecord(
  record: RequestRecord,
  { secrets, keepsHeads }: { secrets: readonly string[]; keepsHeads: boolean },
): RequestRecord {
  const name = (text: string): string => scrubName(text, secrets);
  const optional = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : name(text);
  return {
    ...record,
    id: MADE_HERE.test(record.id) ? record.id : name(record.id),
    session: optional(record.session),
    client: optional(record.client),
    asked: optional(record.asked),
    served: optional(record.served),
    keyName: optional(record.keyName),
    attempts: record.attempts.map(
      (attempt): AttemptRecord => ({
        ...attempt,
        model: name(attempt.model),
        keyName: name(attempt.keyName),
        message: keepsHeads ? providerWords(attempt.message, secrets) : ownWords(""),
      }),
    ),
  };
}
