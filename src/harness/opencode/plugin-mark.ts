import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** opencode says nowhere that a plugin was refused, so a run whose plugin never spoke leaves this mark for doctor. */
const NAME = "plugin-refused";

/** When a run last had to do without the plugin; undefined where the last one had it. */
export function readPluginMark(cacheDir: string): number | undefined {
  try {
    const atMs = Number(readFileSync(join(cacheDir, NAME), "utf8"));
    return Number.isFinite(atMs) && atMs > 0 ? atMs : undefined;
  } catch {
    return undefined;
  }
}

/** Notes how it went. The mark is a help and no more: where it cannot be written, nothing comes of that. */
export function writePluginMark(cacheDir: string, refusedAtMs: number | undefined): void {
  const file = join(cacheDir, NAME);
  try {
    if (refusedAtMs === undefined) rmSync(file, { force: true });
    else {
      mkdirSync(cacheDir, { recursive: true, mode: 0o700 });
      writeFileSync(file, `${refusedAtMs}\n`, { mode: 0o600 });
    }
  } catch {
    // A full disk has its own message elsewhere.
  }
}
