import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { runFolders } from "./run-dir.ts";

/** What a run leaves in its folder, so that others of this user can find it. */
export interface RunCard {
  /** The command: `opencode`, `serve`. */
  what: string;
  /** Its proxy, without a slash at the end. */
  url: string;
  pid: number;
  sinceMs: number;
  /** The folder it works in. */
  folder: string;
}

/** The files of a run's folder, by name. */
export const RUN_FILES = { card: "run.json", token: "token", config: "opencode.json" };

/** A run that is under way, with the token that its proxy asks for. */
export interface FoundRun extends RunCard {
  token: string;
}

const CARD = v.object({
  what: v.string(),
  url: v.pipe(v.string(), v.url()),
  pid: v.number(),
  sinceMs: v.number(),
  folder: v.string(),
});

/** The runs under way that have left a card, the oldest first. */
export function findRuns(root: string): FoundRun[] {
  return runFolders(root)
    .flatMap((folder) => (folder.isAlive ? readRun(folder.path) : []))
    .toSorted((a, b) => a.sinceMs - b.sinceMs);
}

/** A run that is just beginning or ending has not all of its files; the next look finds it, or no longer. */
function readRun(folder: string): FoundRun[] {
  try {
    const card: unknown = JSON.parse(readFileSync(join(folder, RUN_FILES.card), "utf8"));
    const token = readFileSync(join(folder, RUN_FILES.token), "utf8");
    return [{ ...v.parse(CARD, card), token }];
  } catch {
    return [];
  }
}
