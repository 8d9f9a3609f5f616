import { lstatSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Keychain, keychainName } from "../../config/keychain.ts";
import type { Paths } from "../../config/paths.ts";
import type { KeyEntry } from "../../core/settings/keys.ts";
import { runFolders } from "../../harness/run/run-dir.ts";

/** What orouter has left on this machine, by what it means to a person. */
export interface Remains {
  config: readonly string[];
  keys: readonly string[];
  state: readonly string[];
  cache: readonly string[];
  /** Folders of runs that ended in a crash. */
  runs: readonly string[];
  /** The folders of runs that are under way; they stay. */
  alive: readonly string[];
  /** Folders to remove where nothing else is in them, deepest first. */
  folders: readonly string[];
}

/**
 * Finds every file of ours, by its name: under OROUTER_HOME, or in a folder that somebody shares with us, there may be
 * others, and those are not ours to remove.
 */
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

/** In its usual place the cache folder bears our name; under OROUTER_HOME it is only called `cache`. */
function isOursAlone({ home, cacheDir }: Paths): boolean {
  return home === undefined && cacheDir.split(/[/\\]/).includes("orouter");
}

/** A file with what lies beside it: SQLite's logs, broken ones set aside, locks, and what a crash left half written. */
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

/** A link that leads nowhere is there, too. */
function existing(files: readonly string[]): string[] {
  return files.filter((file) => lstatSync(file, { throwIfNoEntry: false }) !== undefined);
}

/** What could not be removed, and why. */
export interface Refusal {
  path: string;
  why: string;
}

/** Removes files and folders, each by itself: one that is held must not keep the others. */
export function removeAll(paths: readonly string[]): Refusal[] {
  return paths.flatMap((path) => {
    try {
      rmSync(path, { recursive: true, force: true });
      return [];
    } catch (cause) {
      return [{ path, why: (cause as NodeJS.ErrnoException).code ?? "unknown" }];
    }
  });
}

/** Removes empty folders; returns those that hold files of other programs. */
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

/** Takes the secrets of these keys out of the system's keychain. */
export async function removeFromKeychain(
  entries: readonly KeyEntry[],
  keychain: Keychain,
): Promise<Refusal[]> {
  const refused: Refusal[] = [];
  for (const entry of entries) {
    const name = keychainName(entry);
    // What the keychain says may be anything; that it did not do it is what counts.
    await keychain
      .remove(name)
      .catch(() => refused.push({ path: `${name} in the keychain`, why: "refused" }));
  }
  return refused;
}
