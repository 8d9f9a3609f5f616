import { Database } from "bun:sqlite";

/** The table of opencode 2.0.15 for the keys of `/connect`, with that version's statement. */
const CREDENTIAL = `CREATE TABLE credential (
  id text PRIMARY KEY, integration_id text, label text NOT NULL, value text NOT NULL, connector_id text,
  method_id text, active integer, time_created integer NOT NULL, time_updated integer NOT NULL)`;

export interface Credential {
  provider: string | null;
  value: string;
  active?: boolean;
  atMs?: number;
}

/** With `wal` the credentials are still in the write-ahead log while the database is open. */
export function opencodeDatabase(
  file: string,
  credentials: readonly Credential[],
  { wal = false }: { wal?: boolean } = {},
): Database {
  const db = new Database(file);
  db.run("PRAGMA journal_mode = WAL");
  db.run(CREDENTIAL);
  if (wal) db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  connect(db, credentials);
  return db;
}

/** Does the same as `/connect`. */
export function connect(db: Database, credentials: readonly Credential[]): void {
  const add = db.query("INSERT INTO credential VALUES (?, ?, 'API key', ?, NULL, NULL, ?, ?, ?)");
  for (const { provider, value, active = true, atMs = 1 } of credentials)
    add.run(crypto.randomUUID(), provider, value, active ? 1 : 0, atMs, atMs);
}

export function apiKey(key: string): string {
  return JSON.stringify({ type: "key", key });
}
