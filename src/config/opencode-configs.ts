import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { OPENCODE_NAMES, type OpencodeNames } from "../core/opencode-config/opencode-config.ts";
import { isTable } from "../core/settings/checks.ts";
import type { Env } from "./paths.ts";

export interface OpencodePlace {
  env: Env;
  home: string;
  cwd: string;
}

export interface OpencodeConfig {
  /** The file, or the name of the variable. */
  from: string;
  /** Undefined if it cannot be parsed, by opencode either. */
  value: Record<string, unknown> | undefined;
}

const CONTENT = "OPENCODE_CONFIG_CONTENT";

/** Where opencode keeps what is the user's own on this machine. */
export function opencodeFolder(
  { env, home }: Pick<OpencodePlace, "env" | "home">,
  names: OpencodeNames = OPENCODE_NAMES,
): string {
  return join(env["XDG_CONFIG_HOME"] || join(home, ".config"), names.folder);
}

/** Every configuration that opencode would read here, in its order: a later one wins over those before. */
export function readOpencodeConfigs(
  at: OpencodePlace,
  names: OpencodeNames = OPENCODE_NAMES,
): OpencodeConfig[] {
  const found = [...new Set(configFiles(at, names))].flatMap((file): OpencodeConfig[] => {
    const text = readText(file);
    return text === undefined ? [] : [{ from: file, value: parse(text) }];
  });
  const content = at.env[CONTENT] ?? "";
  return content.trim() === "" ? found : [...found, { from: CONTENT, value: parse(content) }];
}

function configFiles({ env, home, cwd }: OpencodePlace, names: OpencodeNames): string[] {
  const inFolder = (folder: string): string[] => names.configs.map((name) => join(folder, name));
  const global = opencodeFolder({ env, home }, names);
  const named = env["OPENCODE_CONFIG"];
  const up = foldersDownTo(cwd);
  const own = env["OPENCODE_CONFIG_DIR"];
  return [
    join(global, "config.json"),
    ...inFolder(global),
    ...(named === undefined || named === "" ? [] : [named]),
    ...up.flatMap(inFolder),
    ...[...up, home].flatMap((folder) => names.dotFolders.map((dot) => join(folder, dot))).flatMap(inFolder),
    ...(own === undefined || own === "" ? [] : inFolder(own)),
  ];
}

/** The root first: what is nearer to the project wins. */
function foldersDownTo(folder: string): string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [...foldersDownTo(above), folder];
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function parse(text: string): Record<string, unknown> | undefined {
  if (text.trim() === "") return {};
  try {
    const value: unknown = Bun.JSONC.parse(text);
    return isTable(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function opencodePlace(env: Env): OpencodePlace {
  return { env, home: env["HOME"] ?? homedir(), cwd: process.cwd() };
}
