import type { Database } from "bun:sqlite";

/** What one key has done in a span of time. */
export interface KeyUsage {
  fingerprint: string;
  /** The name it had last. */
  keyName: string;
  /** Requests it answered. */
  requests: number;
  /** Attempts on it that failed, whoever was at fault. */
  refusals: number;
  inputTokens: number;
  outputTokens: number;
}

// Tokens belong to the last key that answered. SQLite takes the bare columns from the row that holds the max.
const USAGE = `
  SELECT attempts.fingerprint, attempts.key_name AS keyName, max(attempts.at_ms) AS lastMs,
    sum(attempts.place IS requests.served_by) AS requests,
    sum(attempts.verdict <> 'ok') AS refusals,
    sum(CASE WHEN attempts.place = requests.served_by THEN coalesce(input_tokens, 0) ELSE 0 END) AS inputTokens,
    sum(CASE WHEN attempts.place = requests.served_by THEN coalesce(output_tokens, 0) ELSE 0 END) AS outputTokens
  FROM requests JOIN attempts ON attempts.request = requests.seq
  WHERE requests.at_ms >= ?
  GROUP BY attempts.fingerprint
  ORDER BY requests DESC, attempts.fingerprint`;

/** What each key has done in requests that began since then, the busiest first. */
export function readUsage(db: Database, sinceMs: number): KeyUsage[] {
  return db
    .query<KeyUsage & { lastMs: number }, [number]>(USAGE)
    .all(sinceMs)
    .map(({ lastMs: _lastMs, ...usage }) => usage);
}
