import { lstatSync, readdirSync, realpathSync, rmdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Keychain, keychainName } from "../../config/keychain.ts";
import type { Paths } from "../../config/paths.ts";
import type { KeyEntry } from "../../core/settings/keys.ts";
import { runFolders } from "../../harness/run/run-dir.ts";

/** What orouter has left on this machine, grouped by its value to the user. */
export interface Remains {
  config: readonly string[];
  keys: readonly string[];
  state: readonly string[];
  cache: readonly string[];
  /** Folders of runs that crashed. */
  runs: readonly string[];
  /** The folders of active runs; they stay. */
  alive: readonly string[];
  /** Folders to remove if nothing else is in them, deepest first. */
  folders: readonly string[];
}

/** Finds our files by name: OROUTER_HOME or a shared folder may contain other files, which must stay. */
export function findRemains(paths: Paths): Remains {
  const runs = runFolders(paths.runRoot);
  const cacheRoot = paths.cacheDir;
  return {
    config: ourFiles(paths.configFile),
    keys: ourFiles(paths.keysFile),
    state: ourFiles(paths.stateDb),
    cache: isOursAlone(paths) ? existing([cacheRoot]) : catalogues(cacheRoot),
    runs: runs.filter((run) => !run.isAlive).map((run) => run.path),
    alive: runs.filter((run) => run.isAlive).map((run) => run.path),
    folders: [...new Set([cacheRoot, paths.runRoot, paths.stateDir, paths.configDir])],
  };
}

/** The default cache folder is named after orouter; under OROUTER_HOME it is only called `cache`. */
function isOursAlone({ home, cacheDir }: Paths): boolean {
  return home === undefined && cacheDir.split(/[/\\]/).includes("orouter");
}

/** A file and its companions: SQLite's logs, corrupt copies, locks, and files that a crash left half written. */
function ourFiles(file: string): string[] {
  const name = basename(file);
  const isOurs = (one: string): boolean =>
    one === name ||
    one === `${name}-wal` ||
    one === `${name}-shm` ||
    one.startsWith(`${name}.broken-`) ||
    one === `${name}.lock` ||
    (one.startsWith(`${name}.lock.`) && one.endsWith(".stale")) ||
    one === `.${name}.lock` ||
    (one.startsWith(`.${name}.`) && one.endsWith(".tmp"));
  return filesIn(dirname(file))
    .filter(isOurs)
    .map((one) => join(dirname(file), one));
}

function catalogues(folder: string): string[] {
  const isOurs = (name: string): boolean => /^\.?catalog-.*\.(?:json|tmp)$/.test(name);
  return filesIn(folder)
    .filter(isOurs)
    .map((name) => join(folder, name));
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** A dangling link exists too. */
function existing(files: readonly string[]): string[] {
  return files.filter((file) => lstatSync(file, { throwIfNoEntry: false }) !== undefined);
}

/** The files behind links: removing a link leaves its file, with the keys in it. */
export function linkTargets(paths: readonly string[]): { link: string; target: string }[] {
  return paths.flatMap((link) => {
    if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return [];
    try {
      return [{ link, target: realpathSync(link) }];
    } catch {
      // It leads nowhere.
      return [];
    }
  });
}

export interface FailedRemoval {
  path: string;
  why: string;
}

/** Removes each path separately, so that one failure does not keep the others. */
export function removeAll(paths: readonly string[]): FailedRemoval[] {
  return paths.flatMap((path) => {
    try {
      rmSync(path, { recursive: true, force: true });
      return [];
    } catch (cause) {
      return [{ path, why: (cause as NodeJS.ErrnoException).code ?? "unknown" }];
    }
  });
}

/** Returns the folders that contain files of other programs. */
export function removeEmpty(folders: readonly string[]): string[] {
  return folders.filter((folder) => {
    try {
      rmdirSync(folder);
      return false;
    } catch (cause) {
      return (cause as NodeJS.ErrnoException).code === "ENOTEMPTY";
    }
  });
}

export async function removeFromKeychain(
  entries: readonly KeyEntry[],
  keychain: Keychain,
): Promise<FailedRemoval[]> {
  const refused: FailedRemoval[] = [];
  for (const entry of entries) {
    const name = keychainName(entry);
    // The text of a keychain error is arbitrary; only the failure matters.
    await keychain
      .remove(name)
      .catch(() => refused.push({ path: `${name} in the keychain`, why: "refused" }));
  }
  return refused;
}
