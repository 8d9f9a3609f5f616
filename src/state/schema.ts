import type { Database } from "bun:sqlite";
import { Problem } from "../core/problem.ts";

/** The version this orouter writes, kept in SQLite's `user_version`. Add a step to `STEPS` to raise it. */
export const SCHEMA_VERSION = 3;

/**
 * The way from each version to the next. A cleared rest stays as a row for a while, so that the others hear of it.
 * `revision` counts the writes: it is how a process asks for what is new to it.
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
  // Whether the provider named the end. Of older rows nobody knows: they are asked about sooner than they had to be.
  "ALTER TABLE rests ADD COLUMN is_declared INTEGER NOT NULL DEFAULT 0;",
];

/** Stops at a file that a newer orouter has written: whatever we did to it could be wrong. */
export function refuseNewer(db: Database, file: string): void {
  if (versionOf(db) <= SCHEMA_VERSION) return;
  throw new Problem({
    code: "state-newer",
    what: `${file} was written by a newer orouter, so this one leaves it alone: nothing is remembered after this run`,
    fix: "Update this orouter, so that both are the same.",
  });
}

/** Brings the tables up to this version; two processes that start at once do it once. */
export function migrate(db: Database): void {
  if (versionOf(db) >= SCHEMA_VERSION) return;
  db.transaction(() => {
    // Looked at again under the lock: the other process may have been faster, and newer than this one.
    const version = versionOf(db);
    if (version >= SCHEMA_VERSION) return;
    for (const step of STEPS.slice(version)) db.run(step);
    db.run(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  }).immediate();
}

function versionOf(db: Database): number {
  return db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
}
