import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

type Env = Record<string, string | undefined>;

export interface ChosenModelPlaces {
  env: Env;
  home: string;
  cwd: string;
}

/** The names under which opencode looks for its config in a folder. */
const CONFIG_NAMES = ["opencode.json", "opencode.jsonc"];

/**
 * Whether the user has said which model to use: in any of opencode's config files, or by having picked one in its
 * interface before. Only where nothing was said may we choose, or every start would undo their pick.
 */
export function hasChosenModel(places: ChosenModelPlaces): boolean {
  const { env, home } = places;
  const content = env["OPENCODE_CONFIG_CONTENT"];
  if (content !== undefined && namesModel(content)) return true;
  if (configFiles(places).some((file) => namesModel(readText(file)))) return true;
  const stateHome = env["XDG_STATE_HOME"] ?? join(home, ".local", "state");
  return hasRecentModel(readText(join(stateHome, "opencode", "model.json")));
}

function configFiles({ env, home, cwd }: ChosenModelPlaces): string[] {
  const global = join(env["XDG_CONFIG_HOME"] ?? join(home, ".config"), "opencode");
  const files = [join(global, "config.json"), ...CONFIG_NAMES.map((name) => join(global, name))];
  const own = [env["OPENCODE_CONFIG_DIR"], join(home, ".opencode")].filter((folder) => folder !== undefined);
  for (const folder of [...own, ...foldersUp(cwd)])
    files.push(...CONFIG_NAMES.map((name) => join(folder, name)));
  const named = env["OPENCODE_CONFIG"];
  return named === undefined ? files : [...files, named];
}

/** opencode looks in the project and the folders above it, each with its `.opencode`. */
function foldersUp(from: string): string[] {
  const folders = [from, join(from, ".opencode")];
  const above = dirname(from);
  return above === from ? folders : [...folders, ...foldersUp(above)];
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function namesModel(text: string): boolean {
  return typeof parse(text)["model"] === "string";
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
