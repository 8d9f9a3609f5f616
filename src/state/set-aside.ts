import { renameSync, statSync } from "node:fs";
import { SIDE_FILES } from "./open-database.ts";

/** Tells one file from another that has taken its name; undefined where there is none. */
export function fileIdentity(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`;
}

/** Gives a broken file another name, with what belongs to it, so that a person can still look into it. Says which name. */
export function setAside(file: string, nowMs: number): string {
  const aside = `${file}.broken-${new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, "")}`;
  // The side files first: a fresh file must not find the log of the broken one.
  for (const end of SIDE_FILES) {
    if (statSync(file + end, { throwIfNoEntry: false }) !== undefined) renameSync(file + end, aside + end);
  }
  renameSync(file, aside);
  return aside;
}
