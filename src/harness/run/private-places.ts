import { lstatSync, readdirSync, readlinkSync, type Stats, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve, sep } from "node:path";
import { OPENCODE_NAMES, type OpencodeNames } from "../../core/opencode-config/opencode-config.ts";

/** The machine whose private files are protected. */
export interface PrivateMachine {
  env: Readonly<Record<string, string | undefined>>;
  home: string;
  cwd: string;
  /** orouter's own folders, which no project may read. */
  folders: readonly string[];
}

/** Folders of processes, which give access to open files and to the environment. */
const PROCESS_FOLDER = /^\/(?:proc|dev\/fd|dev\/std(?:in|out|err))(?:\/|$)/;

const SEPARATOR = process.platform === "win32" ? /[\\/]/ : /\//;
const MAX_LINKS = 40;

/** Recognises what no project may read, by name and by the file system. */
export class PrivatePlaces {
  readonly machine: PrivateMachine;
  readonly #deep: readonly string[];
  /** Folders whose own files are private; some folders below them belong to projects. */
  readonly #flat: readonly string[];
  readonly #files: readonly string[];
  readonly #marks: ReadonlyMap<string, string>;

  constructor(machine: PrivateMachine, names: OpencodeNames = OPENCODE_NAMES) {
    const { env, home, folders } = machine;
    const { folder } = names;
    const data = join(xdg(env["XDG_DATA_HOME"], join(home, ".local", "share")), folder);
    const state = join(xdg(env["XDG_STATE_HOME"], join(home, ".local", "state")), folder);
    const database = env["OPENCODE_DB"] ? resolve(data, env["OPENCODE_DB"]) : join(data, `${folder}.db`);
    this.machine = machine;
    this.#deep = bothNames(folders);
    this.#flat = bothNames([data, state]);
    this.#files = bothNames([
      database,
      `${database}-wal`,
      `${database}-shm`,
      join(configFolder(machine, names), "service.json"),
    ]);
    const known = [...this.#deep, ...this.#files, ...[...this.#deep, ...this.#flat].flatMap(filesOf)];
    this.#marks = new Map(known.flatMap((path) => markOf(path).map((mark) => [mark, path])));
  }

  /** Whether a path names something private without following links. */
  isPrivateName(path: string): boolean {
    return this.#named(resolve(path)) !== undefined;
  }

  /** The private path that a path leads to, following links and `..`; undefined for any other. */
  of(path: string): string | undefined {
    for (const name of new Set([resolve(path), physicalPath(path)])) {
      const target = this.#named(name) ?? this.#marked(name);
      if (target !== undefined) return target;
    }
    return undefined;
  }

  /** For a path or pattern that opencode looks up below and above the working folder. */
  ofPattern(pattern: string): string | undefined {
    const { cwd, home } = this.machine;
    if (pattern === "" || /^https?:/i.test(pattern)) return undefined;
    const bases = pattern.startsWith("~/") || isAbsolute(pattern) ? ["/"] : upwards(cwd);
    const paths = bases.map((base) => placeOf(pattern, base, home));
    const isPattern = /[*?[{(]/.test(pattern);
    for (const path of paths) {
      const target = this.of(path) ?? (isPattern ? this.#matching(path) : undefined);
      if (target !== undefined) return target;
    }
    return undefined;
  }

  #named(path: string): string | undefined {
    if (PROCESS_FOLDER.test(path)) return `${path}, which shows open files and variables of opencode`;
    const name = folded(path);
    if (this.#deep.some((folder) => isWithin(name, folder))) return path;
    if (this.#flat.some((folder) => dirname(name) === folder)) return path;
    return this.#files.includes(name) ? path : undefined;
  }

  /** The same file under another name: a hard link, a mount, or a file system that ignores case. */
  #marked(path: string): string | undefined {
    for (const one of upwards(path)) {
      const target = markOf(one)
        .map((mark) => this.#marks.get(mark))
        .find((known) => known !== undefined);
      if (target !== undefined) return target;
    }
    return undefined;
  }

  #matching(pattern: string): string | undefined {
    // Forms that Bun's patterns do not know are read as "anything".
    const glob = new Bun.Glob(pattern.replace(/[@+?!*]\([^)]*\)/g, "*"));
    // The run's folder is created after this.
    const own = this.#deep.flatMap((folder) => [folder, ...filesOf(folder), join(folder, "run", "token")]);
    const known = [...own, ...this.#files, ...this.#flat.flatMap(filesOf)];
    return known.find((path) => glob.match(path)) ?? this.#matchingLink(pattern);
  }

  /** A pattern may match a link in the project. */
  #matchingLink(pattern: string): string | undefined {
    const parts = pattern.split("/");
    const at = parts.findIndex((part) => /[*?[{(]/.test(part));
    const folder = parts.slice(0, at).join("/") || "/";
    // A search through all of the user's files would take too long, for opencode as well.
    if (isWithin(resolve(this.machine.home), folder)) return undefined;
    for (const path of matchesIn(folder, parts.slice(at).join("/"))) {
      const target = this.of(path);
      if (target !== undefined) return target;
    }
    return undefined;
  }
}

/** The folder of the user's own opencode configuration. */
export function configFolder(
  { env, home }: Pick<PrivateMachine, "env" | "home">,
  names: OpencodeNames = OPENCODE_NAMES,
): string {
  return join(xdg(env["XDG_CONFIG_HOME"], join(home, ".config")), names.folder);
}

function xdg(folder: string | undefined, usual: string): string {
  return folder !== undefined && isAbsolute(folder) ? folder : usual;
}

/** opencode replaces only `~/`; an absolute path is used as it is. */
export function placeOf(path: string, folder: string, home: string): string {
  if (path.startsWith("~/")) return join(home, path.slice(2));
  return isAbsolute(path) ? path : resolve(folder, path);
}

export function upwards(folder: string): string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...upwards(above)];
}

/** A path as written and as the file system knows it. */
function bothNames(paths: readonly string[]): string[] {
  return [...new Set(paths.flatMap((path) => [resolve(path), physicalPath(path)]).map(folded))];
}

/** Case is ignored where the usual file system ignores it. */
function folded(path: string): string {
  return process.platform === "darwin" || process.platform === "win32" ? path.toLowerCase() : path;
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/**
 * Follows every link, also to something that does not exist yet. `..` is relative to the target of a link, as in the
 * system.
 */
function physicalPath(path: string): string {
  const open = (isAbsolute(path) ? path : resolve(path)).split(SEPARATOR).toReversed();
  let at = open.pop() ?? "";
  let links = 0;
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    const next = stepInto(at, part);
    const link = next === at || part === ".." ? undefined : linkOf(next);
    if (link === undefined || links >= MAX_LINKS) {
      at = next;
      continue;
    }
    links++;
    const target = link.split(SEPARATOR);
    if (isAbsolute(link)) at = target.shift() ?? "";
    open.push(...target.toReversed());
  }
  return at === "" ? sep : at;
}

function stepInto(folder: string, part: string): string {
  if (part === "" || part === ".") return folder;
  return part === ".." ? dirname(folder + sep) : `${folder.replace(/[\\/]$/, "")}${sep}${part}`;
}

/** Also true for a dangling link. */
export function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** The identity of a file, whatever its name; empty if there is none. */
function markOf(path: string): string[] {
  const stat = statOf(path);
  // Some systems have no inode numbers.
  return stat === undefined || stat.ino === 0 ? [] : [`${stat.dev}:${stat.ino}`];
}

export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function matchesIn(folder: string, pattern: string): string[] {
  try {
    const found = new Bun.Glob(pattern).scanSync({ cwd: folder, dot: true, onlyFiles: false });
    return [...found].map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function filesOf(folder: string): string[] {
  return namesIn(folder)
    .map((name) => join(folder, name))
    .filter((path) => statOf(path)?.isFile() === true);
}
