import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { shellWord } from "../../cli/shell-word.ts";
import { counted } from "../../core/counted.ts";
import type { Problem } from "../../core/problem.ts";
import { runFolders } from "../../harness/run/run-dir.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";
import { folderFix } from "./folder-fix.ts";
import type { Patient } from "./patient.ts";

/** Whether orouter may write where it has to. `troubles` is what opening the state file has brought up. */
export function checkFolders(
  { paths, home }: Pick<Patient, "paths" | "home">,
  troubles: readonly Problem[],
): Finding[] {
  return [
    ...troubles.map((problem) =>
      wrong("state", problem.message, problem.fix ?? "Move the file away; a fresh one is begun."),
    ),
    ...(troubles.length === 0 ? [writable("state", paths.stateDb, home)] : []),
    writable("cache", paths.cacheDir, home),
    runRootFinding(paths.runRoot, home),
    ...leftovers(paths.runRoot),
  ];
}

function writable(check: string, path: string, home: string): Finding {
  const blocked = firstBlocked(path);
  if (blocked === undefined) return ok(check, `${path}${existsSync(path) ? "" : " (not there yet)"}`);
  return wrong(
    check,
    `${path} cannot be written: ${blocked} is not yours to write to.`,
    folderFix({ path: blocked, isOwn: isOwn(blocked), home }),
  );
}

/** Where there are no users by number, everything may be ours. */
function isOwn(path: string): boolean {
  const uid = process.getuid?.();
  return uid === undefined || statSync(path).uid === uid;
}

/** The file or folder that keeps us from writing; what does not exist yet is made in the folder above. */
function firstBlocked(path: string): string | undefined {
  if (!existsSync(path)) return dirname(path) === path ? path : firstBlocked(dirname(path));
  const needed = statSync(path).isDirectory() ? constants.W_OK | constants.X_OK : constants.W_OK;
  try {
    accessSync(path, needed);
    return undefined;
  } catch {
    return path;
  }
}

/** In a shared temp folder somebody else may have been faster, and would own the token of every run. */
function runRootFinding(root: string, home: string): Finding {
  const stat = statSync(root, { throwIfNoEntry: false });
  if (stat !== undefined && (!stat.isDirectory() || !isOwn(root))) {
    const fix = "Set XDG_RUNTIME_DIR (or TMPDIR) to a folder of your own.";
    return wrong("runs", `${root} belongs to somebody else, or is no folder.`, fix);
  }
  return writable("runs", root, home);
}

function leftovers(root: string): Finding[] {
  const dead = runFolders(root).filter((folder) => !folder.isAlive);
  if (dead.length === 0) return [];
  const what = `${counted(dead.length, "folder")} of runs that ended in a crash; the next orouter opencode sweeps them.`;
  return [note("runs", what, `At once: rm -r ${dead.map((folder) => shellWord(folder.path)).join(" ")}`)];
}
