import { readFile } from "node:fs/promises";
import { type AuthEntry, readAuthEntries } from "../core/settings/auth-entries.ts";
import { errorCode } from "./file-problem.ts";
import type { Env } from "./paths.ts";

/** The keys that opencode holds, where they were, and what was odd about it. */
export interface AuthKeys {
  entries: AuthEntry[];
  from: string;
  notes: string[];
}

/** opencode's own variable for the content of its file, which then is not read. */
const CONTENT = "OPENCODE_AUTH_CONTENT";

/** Reads opencode's keys. The file is opencode's: whatever is odd about it gives a note, and nothing stops. */
export async function readAuthKeys(env: Env, file: string): Promise<AuthKeys> {
  const content = env[CONTENT];
  if (content) return fromText(content, CONTENT);
  try {
    return fromText(await readFile(file, "utf8"), file);
  } catch (error) {
    const code = errorCode(error);
    const notes =
      code === "ENOENT" || code === "ENOTDIR" ? [] : [`${file} could not be read (${code ?? "unknown"}).`];
    return { entries: [], from: file, notes };
  }
}

function fromText(text: string, from: string): AuthKeys {
  const entries = readAuthEntries(text);
  if (entries !== undefined) return { entries, from, notes: [] };
  return { entries: [], from, notes: [`${from} is not what opencode writes; its keys are left out.`] };
}
