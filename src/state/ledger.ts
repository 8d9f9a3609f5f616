import type { Database, SQLQueryBindings } from "bun:sqlite";
import type { AttemptRecord, RequestOutcome, RequestRecord } from "../core/routing/request-record.ts";

/** Which requests to read; what is absent matches all. */
export interface LedgerFilter {
  limit: number;
  sinceMs?: number | undefined;
  /** Only those that came after this one: how a follower asks for what is new. */
  afterSeq?: number | undefined;
  /** Only those where something went wrong, also where another key or model saved them. */
  failuresOnly?: boolean | undefined;
  /** A key that was tried, whether it served or not. */
  keyName?: string | undefined;
  /** A model that was asked for or tried. */
  model?: string | undefined;
  session?: string | undefined;
}

/** A request in the ledger; `seq` grows in the order in which requests were written down. */
export interface LedgerEntry extends RequestRecord {
  seq: number;
}

type RequestRow = Omit<LedgerEntry, "attempts" | NullableField> &
  Record<"session" | "asked" | "served" | "keyName", string | null> &
  Record<"firstTokenMs" | "inputTokens" | "outputTokens", number | null> & { outcome: RequestOutcome };

type NullableField =
  | "session"
  | "asked"
  | "served"
  | "keyName"
  | "firstTokenMs"
  | "inputTokens"
  | "outputTokens";

// A batch whose commit was cut off is written again: the request's own id keeps it from being there twice.
const PUT_REQUEST = `
  INSERT INTO requests (id, at_ms, session, asked, served, key_name, outcome, waited_ms, first_token_ms,
    duration_ms, input_tokens, output_tokens, has_failure, served_by)
  VALUES ($id, $atMs, $session, $asked, $served, $keyName, $outcome, $waitedMs, $firstTokenMs,
    $durationMs, $inputTokens, $outputTokens, $hasFailure, $servedBy)
  ON CONFLICT (id) DO NOTHING RETURNING seq`;

const PUT_ATTEMPT = `
  INSERT INTO attempts VALUES
    ($request, $place, $atMs, $model, $keyName, $fingerprint, $status, $verdict, $durationMs, $message)`;

/** Writes one request with its attempts; to be called within a transaction. */
export function putRecord(db: Database, record: RequestRecord): void {
  const { attempts, session, asked, served, keyName, firstTokenMs, inputTokens, outputTokens, ...rest } =
    record;
  const servedBy = attempts.findLastIndex((attempt) => attempt.verdict === "ok");
  const row = db.query<{ seq: number }, [Record<string, string | number | null>]>(PUT_REQUEST).get({
    ...rest,
    session: session ?? null,
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
  for (const [place, attempt] of attempts.entries()) put.run({ ...attempt, request: row.seq, place });
}

/** A client that hung up is nobody's failure. */
function hasFailure({ outcome, attempts }: RequestRecord): boolean {
  if (attempts.some((attempt) => attempt.verdict !== "ok")) return true;
  return outcome !== "served" && outcome !== "client-gone";
}

const REQUEST_FIELDS = `seq, id, at_ms AS atMs, session, asked, served, key_name AS keyName, outcome,
  waited_ms AS waitedMs, first_token_ms AS firstTokenMs, duration_ms AS durationMs,
  input_tokens AS inputTokens, output_tokens AS outputTokens`;

const ATTEMPTS = `
  SELECT at_ms AS atMs, model, key_name AS keyName, fingerprint, status, verdict, duration_ms AS durationMs, message
  FROM attempts WHERE request = ? ORDER BY place`;

/** The requests that match, the newest first. */
export function readRequests(db: Database, filter: LedgerFilter): LedgerEntry[] {
  const { where, values } = conditions(filter);
  const rows = db
    .query<RequestRow, SQLQueryBindings[]>(
      `SELECT ${REQUEST_FIELDS} FROM requests ${where} ORDER BY seq DESC LIMIT ?`,
    )
    .all(...values, filter.limit);
  const attempts = db.query<AttemptRecord, [number]>(ATTEMPTS);
  return rows.map((row) => ({
    ...row,
    session: row.session ?? undefined,
    asked: row.asked ?? undefined,
    served: row.served ?? undefined,
    keyName: row.keyName ?? undefined,
    firstTokenMs: row.firstTokenMs ?? undefined,
    inputTokens: row.inputTokens ?? undefined,
    outputTokens: row.outputTokens ?? undefined,
    attempts: attempts.all(row.seq),
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
