import { Problem } from "../core/problem.ts";

/**
 * What is wrong with the state file. `locked`, `full`: may pass. `broken`: a fresh file helps. `closed`: we may not
 * use it, or it is not ours to use. `odd`: none of these.
 */
export type StateFault = "locked" | "full" | "broken" | "closed" | "odd";

/** The beginnings of SQLite's names for failures, and the system's own names. */
const FAULTS: readonly [start: string, fault: StateFault][] = [
  ["SQLITE_BUSY", "locked"],
  ["SQLITE_LOCKED", "locked"],
  ["SQLITE_PROTOCOL", "locked"],
  ["SQLITE_FULL", "full"],
  ["SQLITE_IOERR", "full"],
  ["ENOSPC", "full"],
  ["EDQUOT", "full"],
  ["SQLITE_CORRUPT", "broken"],
  ["SQLITE_NOTADB", "broken"],
  ["SQLITE_READONLY", "closed"],
  ["SQLITE_CANTOPEN", "closed"],
  ["SQLITE_PERM", "closed"],
  ["SQLITE_AUTH", "closed"],
  // Node's own complaints about arguments are bugs; every other name with an E is the system's.
  ["ERR_", "odd"],
  ["E", "closed"],
];

/** Sorts what was thrown while the state file was in use. */
export function faultOf(error: unknown): StateFault {
  if (error instanceof Problem) return "closed";
  const code = codeOf(error);
  return FAULTS.find(([start]) => code.startsWith(start))?.[1] ?? "odd";
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}
