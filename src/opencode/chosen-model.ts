import { readFileSync } from "node:fs";
import { join } from "node:path";

type Env = Record<string, string | undefined>;

export interface ChosenModelPlaces {
  env: Env;
  home: string;
  /** Every configuration that opencode would read; undefined is one that opencode could not read either. */
  configs: readonly { value: Record<string, unknown> | undefined }[];
}

/**
 * Whether the user has said which model to use: in any of opencode's configs, or by having picked one in its interface
 * before. Only where nothing was said may we choose, or every start would undo their pick.
 */
export function hasChosenModel({ env, home, configs }: ChosenModelPlaces): boolean {
  if (configs.some(({ value }) => typeof value?.["model"] === "string")) return true;
  const stateHome = env["XDG_STATE_HOME"] ?? join(home, ".local", "state");
  return hasRecentModel(readText(join(stateHome, "opencode", "model.json")));
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function hasRecentModel(text: string): boolean {
  const { recent } = parse(text);
  return Array.isArray(recent) && recent.length > 0;
}

/** A file that opencode itself will complain about says nothing to us. */
function parse(text: string): Record<string, unknown> {
  if (text.trim() === "") return {};
  try {
    const value: unknown = Bun.JSONC.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
