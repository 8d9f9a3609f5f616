import { readFile, stat } from "node:fs/promises";
import {
  type AuthEntry,
  type CredentialRow,
  credentialEntries,
  readAuthEntries,
} from "../core/settings/keys.ts";
import type { Env, Paths } from "./paths.ts";
import { errorCode } from "./write.ts";

export interface AuthKeys {
  source: "auth.json" | "opencode.db";
  entries: AuthEntry[];
  from: string;
  notes: string[];
}

export type AuthPlaces = Pick<Paths, "opencodeAuthFile" | "opencodeDatabase">;

/** opencode's variable for the content of the file; if set, opencode does not read the file. */
const CONTENT = "OPENCODE_AUTH_CONTENT";

/**
 * 1.x keeps keys in auth.json; 2.x in its database, into which it copies those of 1.x once. A key in both is listed
 * once. These files belong to opencode, so faults become notes.
 */
export async function readAuthKeys(env: Env, places: AuthPlaces): Promise<AuthKeys[]> {
  const file = await readAuthFile(env, places.opencodeAuthFile);
  const database = await readDatabase(places.opencodeDatabase);
  const known = new Set(file.entries.map(entryId));
  const fresh = database.entries.filter((entry) => !known.has(entryId(entry)));
  return [file, { ...database, entries: fresh }];
}

function entryId({ provider, text }: AuthEntry): string {
  return `${provider}\n${text.trim()}`;
}

async function readAuthFile(env: Env, file: string): Promise<AuthKeys> {
  const content = env[CONTENT];
  if (content) return fromText(content, CONTENT);
  try {
    return fromText(await readFile(file, "utf8"), file);
  } catch (error) {
    const code = errorCode(error);
    const notes =
      code === "ENOENT" || code === "ENOTDIR" ? [] : [`${file} could not be read (${code ?? "unknown"}).`];
    return { source: "auth.json", entries: [], from: file, notes };
  }
}

function fromText(text: string, from: string): AuthKeys {
  const entries = readAuthEntries(text);
  const notes = entries === undefined ? [`${from} is not what opencode writes; its keys are left out.`] : [];
  return { source: "auth.json", entries: entries ?? [], from, notes };
}

async function readDatabase(file: string): Promise<AuthKeys> {
  const read = { source: "opencode.db" as const, from: file };
  const found = await query<CredentialRow>(
    file,
    "SELECT integration_id AS provider, value FROM credential ORDER BY active DESC, time_created",
  );
  if (found.kind === "rows") return { ...read, entries: credentialEntries(found.rows), notes: [] };
  const notes =
    found.kind === "none" ? [] : [`${file} could not be read (${found.why}); its keys are left out.`];
  return { ...read, entries: [], notes };
}

/** Changes when the keys in opencode's database change. */
export interface CredentialStamp {
  text: string;
  changedMs: number;
}

/** Compares the keys themselves, since sessions change the file all the time. */
export function credentialWatch(file: string): () => Promise<CredentialStamp> {
  let seen: string | undefined;
  let stamp: CredentialStamp = { text: "none", changedMs: 0 };
  return async () => {
    const marks = (await Promise.all([file, `${file}-wal`].map(markOf))).join(" ");
    if (marks !== seen) stamp = await credentialStamp(file);
    seen = marks;
    return stamp;
  };
}

async function markOf(file: string): Promise<string> {
  return stat(file).then(
    ({ ino, size, mtimeMs }) => `${ino}:${size}:${mtimeMs}`,
    () => "none",
  );
}

async function credentialStamp(file: string): Promise<CredentialStamp> {
  const found = await query<{ count: number; changedMs: number | null }>(
    file,
    "SELECT count(*) AS count, max(time_updated) AS changedMs FROM credential",
  );
  if (found.kind !== "rows") return { text: found.kind, changedMs: 0 };
  const [{ count, changedMs } = { count: 0, changedMs: 0 }] = found.rows;
  return { text: `${count}:${changedMs ?? 0}`, changedMs: changedMs ?? 0 };
}

type Found<Row> =
  | { kind: "rows"; rows: Row[] }
  /** No database, or an opencode version that keeps no keys in it. */
  | { kind: "none" }
  | { kind: "failed"; why: string };

/** opencode may be writing; the next poll asks again. */
const BUSY_MS = 200;

/** Must not change the database or create files next to it. */
async function query<Row>(file: string, sql: string): Promise<Found<Row>> {
  if (!(await hasBytes(file))) return { kind: "none" };
  const { Database, SQLiteError, constants } = await import("bun:sqlite");
  try {
    // A log belongs to the content: opencode has the file open or has crashed. Without a log, a reader would create
    // one; `immutable` prevents that, and any lock.
    const hasLog = await hasBytes(`${file}-wal`);
    using db = hasLog
      ? new Database(file, { readonly: true })
      : new Database(
          `${fileUrl(file)}?immutable=1`,
          constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI,
        );
    db.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
    return { kind: "rows", rows: db.query<Row, []>(sql).all() };
  } catch (error) {
    if (!(error instanceof SQLiteError)) throw error;
    if (/^no such (?:table|column)/.test(error.message)) return { kind: "none" };
    return { kind: "failed", why: error.code ?? "unknown" };
  }
}

async function hasBytes(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isFile() && found.size > 0,
    () => false,
  );
}

function fileUrl(file: string): string {
  return Bun.pathToFileURL(file).href;
}
