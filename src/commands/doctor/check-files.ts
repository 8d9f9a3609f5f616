import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { ImportSource } from "../../config/older-tools.ts";
import { fingerprint } from "../../core/key.ts";
import type { Problem } from "../../core/problem.ts";
import { counted, shellWord } from "../../core/text.ts";
import { runFolders } from "../../harness/run/run-dir.ts";
import { type DoctorContext, type Finding, note, ok, wrong } from "./doctor-context.ts";

export function checkFolders(
  { paths, home }: Pick<DoctorContext, "paths" | "home">,
  troubles: readonly Problem[],
): Finding[] {
  return [
    ...troubles.map((problem) =>
      wrong("state", problem.message, problem.fix ?? "Move the file away; orouter makes a new one."),
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
    `${path} cannot be written: you have no right to write to ${blocked}.`,
    folderFix({ path: blocked, isOwn: isOwn(blocked), home }),
  );
}

/** Systems without numeric user ids cannot tell; treat the file as ours. */
function isOwn(path: string): boolean {
  const uid = process.getuid?.();
  return uid === undefined || statSync(path).uid === uid;
}

/** If the path does not exist yet, its parent folder decides. */
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

export interface Blocked {
  path: string;
  isOwn: boolean;
  home: string;
}

const ELSEWHERE = "orouter's files elsewhere: OROUTER_HOME=/a/writable/folder";

/** Only the owner can chmod a file, and files outside the home folder should keep their owner. */
export function folderFix({ path, isOwn: isOurs, home }: Blocked): string {
  const isAtHome = path === home || path.startsWith(`${home}/`);
  if (!isOurs && !isAtHome) return `Put ${ELSEWHERE}`;
  const command = isOurs ? "chmod u+rwX" : 'sudo chown "$(id -un)"';
  return `${command} ${shellWord(path)}, or put ${ELSEWHERE}`;
}

/**
 * In a shared temp folder another user could have created this folder first and would then own the token of every run.
 */
function runRootFinding(root: string, home: string): Finding {
  const stat = statSync(root, { throwIfNoEntry: false });
  if (stat !== undefined && (!stat.isDirectory() || !isOwn(root))) {
    const fix = "Set XDG_RUNTIME_DIR (or TMPDIR) to a folder of your own.";
    return wrong("runs", `${root} belongs to another user, or is not a folder.`, fix);
  }
  return writable("runs", root, home);
}

function leftovers(root: string): Finding[] {
  const dead = runFolders(root).filter((folder) => !folder.isAlive);
  if (dead.length === 0) return [];
  const what = `${counted(dead.length, "folder")} left by runs that crashed; the next orouter opencode removes them.`;
  return [note("runs", what, `Remove now: rm -r ${dead.map((folder) => shellWord(folder.path)).join(" ")}`)];
}

const OTHERS = 0o077;

/** Reports who else can read files of other tools that contain keys, and which keys could be imported. */
export function checkOtherFiles(context: DoctorContext, seeds: readonly ImportSource[]): Finding[] {
  const { opencodeAuthFile, opencodeDatabase } = context.paths;
  const isInDatabase = (context.keys ?? []).some((key) => key.source === "opencode.db");
  return [
    ...exposed("opencode's keys", opencodeAuthFile, wrong),
    // opencode creates the file with this mode, so every machine with opencode 2 has it.
    ...(isInDatabase ? exposed("opencode's keys", opencodeDatabase, note) : []),
    ...seeds.flatMap(({ from, found }) => (found.keys.length > 0 ? exposed("older tools", from, wrong) : [])),
    ...seeds.flatMap((seed) => importable(context, seed)),
  ];
}

function exposed(check: string, file: string, finding: typeof wrong): Finding[] {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
  if (process.platform === "win32" || (mode & OTHERS) === 0) return [];
  return [finding(check, `${file} holds keys, and others can read it.`, `chmod 600 ${shellWord(file)}`)];
}

function importable({ keys, entries }: DoctorContext, { from, tool, found }: ImportSource): Finding[] {
  if (keys === undefined) return [];
  const known = new Set([
    ...keys.map((key) => key.fingerprint),
    ...entries.flatMap(({ place }) => (place.kind === "value" ? [fingerprint(place.secret)] : [])),
  ]);
  const prints = found.keys.flatMap(({ place }) => ("secret" in place ? [fingerprint(place.secret)] : []));
  const fresh = new Set(prints.filter((print) => !known.has(print)));
  if (fresh.size === 0) return [];
  const what = `${from} (${tool}) has ${counted(fresh.size, "key")} that orouter does not know.`;
  return [note("older tools", what, `Import ${fresh.size === 1 ? "it" : "them"}: orouter keys import`)];
}
