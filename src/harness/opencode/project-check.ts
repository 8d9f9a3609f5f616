import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { OPENCODE_NAMES, type OpencodeNames } from "../../core/opencode-config/opencode-config.ts";
import {
  type ConfigReader,
  type PrivateReference,
  privateMentions,
  privateReferences,
} from "../../core/opencode-config/project-references.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { oneLine } from "../../core/scrub.ts";
import type { ProjectCheck } from "../harness.ts";
import {
  configFolder,
  isThere,
  namesIn,
  PrivatePlaces,
  placeOf,
  statOf,
  upwards,
} from "../run/private-places.ts";

export interface ProjectLeak extends PrivateReference {
  file: string;
}

/** Only 1.x reads these. */
const TUI_CONFIGS = ["tui.json", "tui.jsonc"];
/** Texts that opencode adds to a prompt by itself. */
const RULE_NAMES = ["AGENTS.md", "CLAUDE.md", "CONTEXT.md"];
const PROMPT_FOLDERS = ["agent", "agents", "command", "commands", "mode", "modes", "skill", "skills"];
const COMMAND_FOLDERS = new Set(["command", "commands"]);

/** Variables of a single run, or with opencode's credentials. */
const RUN_VARIABLE =
  /^(?:OROUTER_.*|OPENCODE_(?:CONFIG|CONFIG_CONTENT|TUI_CONFIG|CLI_CONFIG_CONTENT|PLUGIN_META_FILE|AUTH_CONTENT|PASSWORD|SERVER_PASSWORD))$/i;

/** opencode has no limit, but a prompt or an address is shorter than this. */
const MAX_CONTENT_BYTES = 1024 * 1024;
const MAX_SHOWN = 5;
const MAX_SHOWN_CHARS = 160;

/**
 * Fails before opencode reads a project config that would reveal keys: a folder that is only opened must not be able to
 * read them. The user's own global config is trusted.
 */
export function checkProjectConfigs(check: ProjectCheck, names: OpencodeNames = OPENCODE_NAMES): void {
  const leaks = findProjectLeaks(check, names);
  if (leaks.length === 0) return;
  const { folder } = names;
  const own = join(configFolder(check, names), `${folder}.json`);
  throw leakProblem(folder, leaks, [
    `Find out who wrote that before you trust this folder. To go on, remove it; if it is your own, move it to ${own}.`,
    `To start without the project's configuration: ${folder.toUpperCase()}_DISABLE_PROJECT_CONFIG=1 orouter ${folder}`,
  ]);
}

/** For an agent that only reads rules from a project: texts with these names, which may include files. */
export function checkRules(check: ProjectCheck, agent: string, names: readonly string[]): void {
  const guard = new PrivatePlaces(check);
  const leaks = [...new Set(startFolders(check).flatMap(upwards))].flatMap((folder) =>
    names.flatMap((name) => {
      const file = join(folder, name);
      const linked = linkLeaks(file, guard);
      return linked.length > 0 || !isThere(file) ? linked : mentionLeaks(file, guard);
    }),
  );
  if (leaks.length > 0)
    throw leakProblem(agent, leaks, [
      "Find out who wrote that before you trust this folder. To go on, remove it.",
    ]);
}

function leakProblem(agent: string, leaks: readonly ProjectLeak[], fix: readonly string[]): Problem {
  const shown = leaks.slice(0, MAX_SHOWN).map(leakText);
  if (leaks.length > MAX_SHOWN) shown.push(`${leaks.length - MAX_SHOWN} more references like these.`);
  return new Problem({
    code: "project-reads-keys",
    what: `This project would read your private data, so ${agent} was not started.\n${shown.join("\n")}`,
    fix: fix.join("\n"),
    exit: EXIT.config,
  });
}

function leakText({ file, line, written, target }: ProjectLeak): string {
  const short = (text: string): string => oneLine(text, MAX_SHOWN_CHARS);
  return `  ${short(file)}:${line} has ${short(written)}, which reads ${short(target)}`;
}

/** All private references in the configs that opencode would read for this project. */
export function findProjectLeaks(check: ProjectCheck, names: OpencodeNames = OPENCODE_NAMES): ProjectLeak[] {
  if (hasNoProjectConfig(check.env)) return [];
  const guard = new PrivatePlaces(check, names);
  const named = check.env["OPENCODE_CONFIG_DIR"];
  const dots = names.dotFolders.map((dot) => join(check.home, dot));
  const own = [configFolder(check, names), ...dots, ...(named ? [named] : [])].map(realPath);
  const folders = [...new Set(startFolders(check).flatMap(upwards))];
  const found = folders.flatMap((folder) => [
    ...configFiles(folder, own, names).flatMap((file) => configLeaks(file, check, guard)),
    ...RULE_NAMES.flatMap((name) => linkLeaks(join(folder, name), guard)),
    ...names.dotFolders.flatMap((dot) => promptLeaks(join(folder, dot), own, guard)),
  ]);
  return [...new Map(found.map((leak) => [`${leak.file}\n${leak.line}\n${leak.written}`, leak])).values()];
}

/**
 * The folders where opencode may start. 1.x uses PWD and stops at the root of a repository; to leave no gap, all
 * folders up to the root are checked.
 */
function startFolders({ env, cwd, args }: ProjectCheck): string[] {
  const base = [cwd, ...(env["PWD"] ? [resolve(cwd, env["PWD"])] : [])];
  const named = args.flatMap((word) => {
    const value = word.startsWith("-") ? word.split("=").slice(1).join("=") : word;
    return value === "" ? [] : base.map((folder) => resolve(folder, value));
  });
  return [...base, ...named.filter((folder) => statOf(folder)?.isDirectory() === true)];
}

/** The user can tell opencode to ignore project files. */
function hasNoProjectConfig(env: ProjectCheck["env"]): boolean {
  const switches = [env["OPENCODE_CONFIG_PROJECT_DISABLE"], env["OPENCODE_DISABLE_PROJECT_CONFIG"]];
  const set = switches.filter((value) => value !== undefined);
  return (
    env["OPENCODE_DISABLE_PROJECT_CONFIG"] !== undefined && set.every((value) => /^(?:1|true)$/.test(value))
  );
}

function configFiles(folder: string, own: readonly string[], names: OpencodeNames): string[] {
  return [folder, ...names.dotFolders.map((dot) => join(folder, dot))]
    .filter((one) => !own.includes(realPath(one)))
    .flatMap((one) => [...names.configs, ...TUI_CONFIGS].map((name) => join(one, name)));
}

/** opencode itself reports an unreadable file. */
function configLeaks(file: string, check: ProjectCheck, guard: PrivatePlaces): ProjectLeak[] {
  const linked = linkLeaks(file, guard);
  const text = linked.length > 0 ? undefined : readText(file, Number.POSITIVE_INFINITY);
  if (text === undefined) return linked;
  const placed = (path: string): string => placeOf(path, dirname(file), check.home);
  const reader: ConfigReader = {
    env: check.env,
    variableSecret: (name) => variableSecret(name, check),
    privateFile: (path) => guard.of(placed(path)),
    privateMatch: (pattern) => guard.ofPattern(pattern),
    contentOf: (path) => readText(placed(path), MAX_CONTENT_BYTES) ?? "",
  };
  return privateReferences(text, reader).map((reference) => ({ ...reference, file }));
}

function variableSecret(name: string, { env, secrets }: ProjectCheck): string | undefined {
  if (RUN_VARIABLE.test(name))
    return `the variable ${name}, which belongs to orouter's run or holds credentials`;
  const value = env[name];
  if (value === undefined || !secrets.some((secret) => secret !== "" && value.includes(secret)))
    return undefined;
  return `the variable ${name}, which holds one of your keys`;
}

/** A repository can contain a link to anywhere, and opencode follows it. */
function linkLeaks(file: string, guard: PrivatePlaces): ProjectLeak[] {
  if (!isThere(file) || guard.isPrivateName(file)) return [];
  const target = guard.of(file);
  return target === undefined ? [] : [{ file, line: 1, written: "a link", target }];
}

/** Checks agents, commands and skills of a `.opencode` folder for links to private files and for included files. */
function promptLeaks(dotFolder: string, own: readonly string[], guard: PrivatePlaces): ProjectLeak[] {
  if (own.includes(realPath(dotFolder))) return [];
  return PROMPT_FOLDERS.flatMap((name) =>
    filesIn(join(dotFolder, name), guard).flatMap((file) => {
      const linked = linkLeaks(file, guard);
      return linked.length > 0 || !COMMAND_FOLDERS.has(name) ? linked : mentionLeaks(file, guard);
    }),
  );
}

function mentionLeaks(file: string, guard: PrivatePlaces): ProjectLeak[] {
  const text = readText(file, Number.POSITIVE_INFINITY) ?? "";
  const reader = { privateMatch: (path: string) => guard.ofPattern(path) };
  return privateMentions(text, reader).map((reference) => ({ ...reference, file }));
}

/** The files below a folder, following links as opencode does; a private folder stands for its files. */
function filesIn(folder: string, guard: PrivatePlaces, seen = new Set<string>()): string[] {
  const real = realPath(folder);
  if (seen.has(real) || statOf(folder)?.isDirectory() !== true) return [];
  seen.add(real);
  if (guard.of(folder) !== undefined) return [folder];
  return namesIn(folder).flatMap((name) => {
    const path = join(folder, name);
    return statOf(path)?.isDirectory() === true ? filesIn(path, guard, seen) : [path];
  });
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** Only plain files: a pipe would never end. */
function readText(file: string, maxBytes: number): string | undefined {
  try {
    const stat = statSync(file);
    return stat.isFile() && stat.size <= maxBytes ? readFileSync(file, "utf8") : undefined;
  } catch {
    return undefined;
  }
}
