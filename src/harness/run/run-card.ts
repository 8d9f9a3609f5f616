import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { runFolders } from "./run-dir.ts";

/** Lets other processes of this user find the run. */
export interface RunCard {
  /** The command: `opencode`, `serve`. */
  what: string;
  /** Its proxy, without a final slash. */
  url: string;
  pid: number;
  sinceMs: number;
  folder: string;
}

export const RUN_FILES = { card: "run.json", token: "token", config: "opencode.json" };

/** An active run, with the token of its proxy. */
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

/** Active runs with a card, oldest first. */
export function findRuns(root: string): FoundRun[] {
  return runFolders(root)
    .flatMap((folder) => (folder.isAlive ? readRun(folder.path) : []))
    .toSorted((a, b) => a.sinceMs - b.sinceMs);
}

/** A run that is starting or ending does not have all of its files; the next call finds it, or not. */
function readRun(folder: string): FoundRun[] {
  try {
    const card: unknown = JSON.parse(readFileSync(join(folder, RUN_FILES.card), "utf8"));
    const token = readFileSync(join(folder, RUN_FILES.token), "utf8");
    return [{ ...v.parse(CARD, card), token }];
  } catch {
    return [];
  }
}
