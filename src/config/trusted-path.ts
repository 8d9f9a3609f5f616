import { lstatSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { userInfo } from "node:os";
import path from "node:path";
import { EXIT, Problem } from "../core/problem.ts";
import { shellWord } from "../core/text.ts";
import { errorCode } from "./write.ts";

const EVERYBODY_WRITES = 0o002;
const GROUP_WRITES = 0o020;
/** In such a folder only the owner of an entry can replace it. */
const STICKY = 0o1000;

/** A longer chain of links is a circle. */
const MAX_LINKS = 40;

/** Who is on this machine, for tests too. */
export interface Accounts {
  uid: number;
  user: string;
  /** The texts of /etc/passwd and /etc/group. */
  passwd: () => string;
  group: () => string;
}

/**
 * Rejects a settings file that another user could change or replace: it says where keys are sent. Every folder on the
 * way to the file is checked, through links too, whether the file exists or not.
 */
export function requireTrusted(file: string, accounts: Accounts | undefined = accountsHere()): void {
  // Windows has no such bits, and the folder of a user's profile keeps others out.
  if (accounts === undefined) return;
  for (const { place, stats } of placesTo(file)) {
    const writers = otherWriters(stats, accounts);
    if (writers !== undefined) throw untrusted(file, place, writers);
  }
}

function accountsHere(): Accounts | undefined {
  const uid = process.getuid?.();
  if (uid === undefined) return undefined;
  return {
    uid,
    get user() {
      return nameOf(uid);
    },
    passwd: () => readFileSync("/etc/passwd", "utf8"),
    group: () => readFileSync("/etc/group", "utf8"),
  };
}

/** A container may run as a user without a name. */
function nameOf(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return String(uid);
  }
}

/** Those beside us and root who can write, and the bits that let them. */
interface Writers {
  who: string;
  bits: "o-w" | "g-w";
}

function otherWriters(stats: Stats, accounts: Accounts): Writers | undefined {
  if (stats.isDirectory() && (stats.mode & STICKY) !== 0) return undefined;
  if ((stats.mode & EVERYBODY_WRITES) !== 0) return { who: "everybody", bits: "o-w" };
  if ((stats.mode & GROUP_WRITES) === 0) return undefined;
  const who = othersOf(stats.gid, accounts);
  return who === undefined ? undefined : { who, bits: "g-w" };
}

/** The group, if someone else is in it. A group that is listed nowhere may have any members, unless it is our own. */
function othersOf(gid: number, { uid, user, passwd, group }: Accounts): string | undefined {
  const groups = linesOf(group);
  const [name = String(gid), , , list = ""] = groups.find(([, , id]) => id === String(gid)) ?? [];
  // Several system accounts have root's group as their first one; they can do what root can.
  const first =
    gid === 0 ? [] : linesOf(passwd).flatMap(([own = "", , , id]) => (id === String(gid) ? [own] : []));
  const others = [...new Set([...list.split(","), ...first])].filter(
    (member) => member !== "" && member !== user && member !== "root",
  );
  if (others.length > 0)
    return `the group ${name} (${others.slice(0, 3).join(", ")}${others.length > 3 ? ", …" : ""})`;
  const isListed = gid === 0 || first.length > 0 || groups.some(([, , id]) => id === String(gid));
  return isListed || gid === uid ? undefined : `the group ${gid}, whose members are not known`;
}

function linesOf(read: () => string): string[][] {
  try {
    return read()
      .split("\n")
      .map((line) => line.split(":"));
  } catch {
    return [];
  }
}

interface Place {
  place: string;
  stats: Stats;
}

/** All folders that are passed on the way to a file, and the file if it is there. A link leads to further folders. */
function placesTo(file: string): Place[] {
  const places: Place[] = [];
  const open = path.resolve(file).split(path.sep).filter(Boolean).toReversed();
  let at: string = path.sep;
  add(places, at);
  let links = 0;
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    const next = path.join(at, part);
    const stats = add(places, next);
    if (stats === undefined) return places;
    if (!stats.isSymbolicLink()) {
      at = next;
      continue;
    }
    if (++links > MAX_LINKS) return places;
    const target = readlinkSync(next);
    if (path.isAbsolute(target)) at = path.sep;
    open.push(...target.split(path.sep).filter(Boolean).toReversed());
  }
  return places;
}

/** A link counts as the folder that it is in: its own mode means nothing. */
function add(places: Place[], place: string): Stats | undefined {
  try {
    const stats = lstatSync(place);
    if (!stats.isSymbolicLink()) places.push({ place, stats });
    return stats;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    // Reading the file says what is wrong there.
    return undefined;
  }
}

function untrusted(file: string, place: string, { who, bits }: Writers): Problem {
  const what =
    place === file
      ? `${file} can be changed by ${who}, and orouter trusts it with your keys.`
      : `${file} can be replaced by ${who}, who can write to ${place}, and orouter trusts it with your keys.`;
  return new Problem({
    code: "config-not-private",
    what,
    fix: `Check that the file is as you left it, then: chmod ${bits} ${shellWord(place)}`,
    exit: EXIT.config,
  });
}
