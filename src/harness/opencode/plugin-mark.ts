import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** opencode does not report a rejected plugin, so a run without contact to its plugin leaves this mark for doctor. */
const NAME = "plugin-refused";

/** When the last run had no plugin; undefined if it had one. */
export function readPluginMark(cacheDir: string): number | undefined {
  try {
    const atMs = Number(readFileSync(join(cacheDir, NAME), "utf8"));
    return Number.isFinite(atMs) && atMs > 0 ? atMs : undefined;
  } catch {
    return undefined;
  }
}

/** Only a hint: failing to write it has no effect. */
export function writePluginMark(cacheDir: string, refusedAtMs: number | undefined): void {
  const file = join(cacheDir, NAME);
  try {
    if (refusedAtMs === undefined) rmSync(file, { force: true });
    else {
      mkdirSync(cacheDir, { recursive: true, mode: 0o700 });
      writeFileSync(file, `${refusedAtMs}\n`, { mode: 0o600 });
    }
  } catch {
    // A full disk is reported elsewhere.
  }
}
