import { chmod, stat } from "node:fs/promises";
import { type KeyEntry, parseKeyEntries } from "../core/settings/keys.ts";
import { faultsProblem } from "./fault-report.ts";
import { errorCode } from "./file-problem.ts";
import type { Paths } from "./paths.ts";
import { readToml } from "./toml-file.ts";

/** The entries of keys.toml, and what a person should hear about the file. */
export interface LoadedEntries {
  entries: KeyEntry[];
  notes: string[];
}

/** Reads keys.toml; no file means no keys. A wrong file is a Problem that never repeats a value. */
export async function loadKeyEntries(paths: Pick<Paths, "keysFile">): Promise<LoadedEntries> {
  const file = paths.keysFile;
  const toml = await readToml(file);
  if (toml === undefined) return { entries: [], notes: [] };
  const notes = await tighten(file);
  const parsed = parseKeyEntries(toml.value);
  if ("faults" in parsed) throw await faultsProblem(file, toml.text, parsed.faults);
  return { entries: parsed.entries, notes };
}

const OTHERS = 0o077;
const PRIVATE = 0o600;

/** Takes everyone else's rights away. Said once, because the next time there is nothing left to take. */
async function tighten(file: string): Promise<string[]> {
  // Windows has no such bits: the folder of a user's profile keeps others out there.
  if (process.platform === "win32") return [];
  try {
    if (((await stat(file)).mode & OTHERS) === 0) return [];
    await chmod(file, PRIVATE);
    return [`${file} could be read by others; now only you can (mode 0600).`];
  } catch (error) {
    return [`${file} can be read by others and could not be changed (${errorCode(error) ?? "unknown"}).`];
  }
}
