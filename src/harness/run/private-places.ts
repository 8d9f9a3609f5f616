import { lstatSync, readdirSync, readlinkSync, type Stats, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve, sep } from "node:path";
import { OPENCODE_NAMES, type OpencodeNames } from "../../core/opencode-config/names.ts";

/** The machine on which private files are told from others. */
export interface PrivateMachine {
  /** The environment that opencode gets. */
  env: Readonly<Record<string, string | undefined>>;
  home: string;
  cwd: string;
  /** orouter's own folders: nothing below them is for a project to read. */
  folders: readonly string[];
}

/** Folders of processes: through them a file can be read that is only open, and the environment. */
const PROCESS_FOLDER = /^\/(?:proc|dev\/fd|dev\/std(?:in|out|err))(?:\/|$)/;

const SEPARATOR = process.platform === "win32" ? /[\\/]/ : /\//;
const MAX_LINKS = 40;

/** What no project may read, by name and by what the file system says of it. */
export class PrivatePlaces {
  readonly machine: PrivateMachine;
  readonly #deep: readonly string[];
  /** Folders whose own files are private; some folders below them are for projects. */
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

  /** Whether a path names something private as it is, without any link. */
  isPrivateName(path: string): boolean {
    return this.#named(resolve(path)) !== undefined;
  }

  /** The private place that a path leads to, links and `..` included; undefined where it leads elsewhere. */
  of(path: string): string | undefined {
    for (const name of new Set([resolve(path), physicalPath(path)])) {
      const target = this.#named(name) ?? this.#marked(name);
      if (target !== undefined) return target;
    }
    return undefined;
  }

  /** The same for a path or pattern that opencode looks up below the working folder and above it. */
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
    // The run's folder is made after this.
    const own = this.#deep.flatMap((folder) => [folder, ...filesOf(folder), join(folder, "run", "token")]);
    const known = [...own, ...this.#files, ...this.#flat.flatMap(filesOf)];
    return known.find((path) => glob.match(path)) ?? this.#matchingLink(pattern);
  }

  /** A pattern may match a link in the project. */
  #matchingLink(pattern: string): string | undefined {
    const parts = pattern.split("/");
    const at = parts.findIndex((part) => /[*?[{(]/.test(part));
    const folder = parts.slice(0, at).join("/") || "/";
    // Nobody waits for a search through all of their files, and opencode would search them as well.
    if (isWithin(resolve(this.machine.home), folder)) return undefined;
    for (const path of matchesIn(folder, parts.slice(at).join("/"))) {
      const target = this.of(path);
      if (target !== undefined) return target;
    }
    return undefined;
  }
}

/** Where opencode keeps the configuration that is the user's own. */
export function configFolder(
  { env, home }: Pick<PrivateMachine, "env" | "home">,
  names: OpencodeNames = OPENCODE_NAMES,
): string {
  return join(xdg(env["XDG_CONFIG_HOME"], join(home, ".config")), names.folder);
}

function xdg(folder: string | undefined, usual: string): string {
  return folder !== undefined && isAbsolute(folder) ? folder : usual;
}

/** opencode replaces `~/` and nothing else; an absolute path goes to the system as it is. */
export function placeOf(path: string, folder: string, home: string): string {
  if (path.startsWith("~/")) return join(home, path.slice(2));
  return isAbsolute(path) ? path : resolve(folder, path);
}

/** A folder and all above it. */
export function upwards(folder: string): string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...upwards(above)];
}

/** A path as it is written and as the file system knows it. */
function bothNames(paths: readonly string[]): string[] {
  return [...new Set(paths.flatMap((path) => [resolve(path), physicalPath(path)]).map(folded))];
}

/** Names are compared without case where the usual file system does so. */
function folded(path: string): string {
  return process.platform === "darwin" || process.platform === "win32" ? path.toLowerCase() : path;
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** Follows every link, also towards what does not exist yet. `..` counts from where a link has led, as in the system. */
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

/** Whether there is anything, also a link that leads nowhere. */
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

/** What a file is to the file system, whatever it is called; nothing where there is none. */
function markOf(path: string): string[] {
  const stat = statOf(path);
  // Some systems give no number to a file.
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
