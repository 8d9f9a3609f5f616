import type { Database } from "bun:sqlite";
import { Problem } from "../core/problem.ts";

/**
 * The steps from each version of state.db to the next; SQLite's `user_version` counts those done. Steps are never
 * changed, only added. The store and the ledger share the file, so their tables share the steps.
 */
const STEPS: readonly string[] = [
  `CREATE TABLE rests (
     id TEXT PRIMARY KEY,
     at_ms INTEGER NOT NULL,
     is_cleared INTEGER NOT NULL,
     scope TEXT NOT NULL,
     kind TEXT NOT NULL,
     status INTEGER NOT NULL,
     message TEXT NOT NULL,
     until_ms INTEGER NOT NULL,
     strikes INTEGER NOT NULL,
     writer TEXT NOT NULL,
     revision INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX rests_by_revision ON rests (revision);
   CREATE TABLE revision (value INTEGER NOT NULL);
   INSERT INTO revision VALUES (0);
   CREATE TABLE requests (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     at_ms INTEGER NOT NULL,
     session TEXT,
     asked TEXT,
     served TEXT,
     key_name TEXT,
     outcome TEXT NOT NULL,
     waited_ms INTEGER NOT NULL,
     first_token_ms INTEGER,
     duration_ms INTEGER NOT NULL,
     input_tokens INTEGER,
     output_tokens INTEGER,
     has_failure INTEGER NOT NULL,
     served_by INTEGER
   );
   CREATE INDEX requests_by_time ON requests (at_ms);
   CREATE INDEX requests_by_session ON requests (session) WHERE session IS NOT NULL;
   CREATE INDEX requests_failed ON requests (seq) WHERE has_failure = 1;
   CREATE TABLE attempts (
     request INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
     place INTEGER NOT NULL,
     at_ms INTEGER NOT NULL,
     model TEXT NOT NULL,
     key_name TEXT NOT NULL,
     fingerprint TEXT NOT NULL,
     status INTEGER NOT NULL,
     verdict TEXT NOT NULL,
     duration_ms INTEGER NOT NULL,
     message TEXT NOT NULL,
     PRIMARY KEY (request, place)
   ) WITHOUT ROWID;`,
  `CREATE TABLE benches (
     model TEXT PRIMARY KEY,
     at_ms INTEGER NOT NULL,
     runs INTEGER NOT NULL,
     failed INTEGER NOT NULL,
     first_token_ms REAL NOT NULL,
     first_token_min_ms REAL NOT NULL,
     first_token_max_ms REAL NOT NULL,
     tokens_per_second REAL,
     tokens_per_second_min REAL,
     tokens_per_second_max REAL,
     is_estimated INTEGER NOT NULL
   ) WITHOUT ROWID;`,
  // A cleared cooldown stays as a row for a while, so that other processes learn of it. `revision` counts the writes: a
  // process asks for rows above the one it has seen. Old ids are parsed here for the last time; that of a key (`key
  // FINGERPRINT`) has no provider. Old rows do not say whether the provider declared the end, so they count as guesses,
  // which are probed earlier.
  `CREATE TABLE cooldowns (
     id TEXT PRIMARY KEY,
     at_ms INTEGER NOT NULL,
     is_cleared INTEGER NOT NULL,
     scope TEXT NOT NULL,
     provider TEXT NOT NULL,
     fingerprint TEXT,
     model TEXT,
     kind TEXT NOT NULL,
     status INTEGER NOT NULL,
     message TEXT NOT NULL,
     until_ms INTEGER NOT NULL,
     is_declared INTEGER NOT NULL,
     failures INTEGER NOT NULL,
     writer TEXT NOT NULL,
     revision INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX cooldowns_by_revision ON cooldowns (revision);
   INSERT INTO cooldowns
     SELECT id, at_ms, is_cleared, scope,
       CASE
         WHEN scope IN ('lane', 'model') THEN substr(party, 1, instr(party, '/') - 1)
         WHEN scope = 'provider' THEN party
         ELSE ''
       END,
       CASE scope WHEN 'lane' THEN fingerprint WHEN 'key' THEN party END,
       CASE WHEN scope IN ('lane', 'model') THEN substr(party, instr(party, '/') + 1) END,
       kind, status, message, until_ms, 0, strikes, writer, revision
     FROM (
       SELECT *,
         CASE scope WHEN 'lane' THEN substr(words, 1, instr(words, ' ') - 1) END AS fingerprint,
         CASE scope WHEN 'lane' THEN substr(words, instr(words, ' ') + 1) ELSE words END AS party
       FROM (SELECT *, substr(id, instr(id, ' ') + 1) AS words FROM rests)
     );
   DROP TABLE rests;`,
  // The record is JSON: its form changes more often than tables should.
  `CREATE TABLE quotas (
     id TEXT PRIMARY KEY,
     at_ms INTEGER NOT NULL,
     record TEXT NOT NULL
   ) WITHOUT ROWID;`,
  // Limits of keys that all processes keep together: calls of the last minute, calls under way, and who waits.
  `CREATE TABLE limit_calls (
     key TEXT NOT NULL,
     at_ms INTEGER NOT NULL,
     id TEXT NOT NULL,
     PRIMARY KEY (key, at_ms, id)
   ) WITHOUT ROWID;
   CREATE TABLE limit_leases (
     id TEXT PRIMARY KEY,
     key TEXT NOT NULL,
     until_ms INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX limit_leases_by_key ON limit_leases (key);
   CREATE TABLE limit_waiters (
     key TEXT NOT NULL,
     id TEXT NOT NULL,
     since_ms INTEGER NOT NULL,
     due_ms INTEGER NOT NULL,
     PRIMARY KEY (key, id)
   ) WITHOUT ROWID;`,
  "ALTER TABLE requests ADD COLUMN client TEXT",
  // `orouter simulate` replays refusals with them; of older rows it guesses.
  `ALTER TABLE attempts ADD COLUMN fault TEXT;
   ALTER TABLE attempts ADD COLUMN wait_ms INTEGER;`,
];

const SCHEMA_VERSION = STEPS.length;

/** Rejects a file that a newer orouter has written: any change to it could be wrong. */
export function refuseNewer(db: Database, file: string): void {
  if (versionOf(db) <= SCHEMA_VERSION) return;
  throw new Problem({
    code: "state-newer",
    what: `${file} was written by a newer version of orouter, so this one leaves it alone. Nothing is remembered after this run.`,
    fix: "Update this orouter to the newer version.",
  });
}

/** Of two processes that start together, only one migrates. */
export function migrate(db: Database): void {
  if (versionOf(db) >= SCHEMA_VERSION) return;
  db.transaction(() => {
    // Read again under the lock: another process may have been faster, or newer.
    const version = versionOf(db);
    if (version >= SCHEMA_VERSION) return;
    for (const step of STEPS.slice(version)) db.run(step);
    db.run(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  }).immediate();
}

function versionOf(db: Database): number {
  return db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
}
