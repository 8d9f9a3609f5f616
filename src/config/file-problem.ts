import { Problem, type ProblemParts } from "../core/problem.ts";

/** What a person can do about a file that the system does not let us use. */
const REASONS: Readonly<Record<string, { why: string; fix: string }>> = {
  EACCES: {
    why: "permission denied",
    fix: "Check who owns the file and its folder, and what they may do there.",
  },
  EPERM: { why: "not permitted", fix: "Check who owns the file and its folder, and what they may do there." },
  EROFS: {
    why: "the disk is read-only",
    fix: "Put orouter's files elsewhere with OROUTER_HOME=/a/writable/folder.",
  },
  ENOSPC: { why: "the disk is full", fix: "Free some space and run it again; the old file is unchanged." },
  EDQUOT: {
    why: "your disk quota is used up",
    fix: "Free some space and run it again; the old file is unchanged.",
  },
  ENOENT: { why: "its folder does not exist", fix: "Create the folder, or fix the link that leads there." },
  EISDIR: { why: "it is a folder", fix: "Move the folder away; a file belongs there." },
  ENOTDIR: { why: "a part of its path is a file", fix: "Move that file away; a folder belongs there." },
  ELOOP: { why: "its links lead in a circle", fix: "Fix the symbolic link." },
};

/** For a file that is read: it has to exist itself, not only its folder. */
const NOT_THERE = { why: "it does not exist", fix: "Check its name, and where a link of that name leads." };

/** What was being done, to which file. */
interface Attempt extends Pick<ProblemParts, "code" | "exit"> {
  doing: "read" | "write" | "create";
  file: string;
}

/** Turns a system error into a Problem: which file, why, what next. Any other error is a bug and is returned as it is. */
export function fileProblem({ doing, file, ...parts }: Attempt, error: unknown): unknown {
  const errno = errorCode(error);
  if (errno === undefined) return error;
  const reason =
    errno === "ENOENT" && doing === "read"
      ? NOT_THERE
      : (REASONS[errno] ?? { why: errno, fix: "Check the file and its folder, then run it again." });
  return new Problem({ ...parts, what: `Cannot ${doing} ${file}: ${reason.why}.`, fix: reason.fix });
}

/** The system's short name for a failure, e.g. `ENOENT`; undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}
