import { talk } from "../cli/talk.ts";
import { loadKeys } from "../config/keys.ts";
import { loadKeyEntries } from "../config/keys-file.ts";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import { type Env, type Paths, resolvePaths } from "../config/paths.ts";
import type { Key } from "../core/key.ts";
import { EXIT, Problem } from "../core/problem.ts";
import type { KeyEntry } from "../core/settings/keys.ts";
import type { Settings } from "../core/settings/settings.ts";
import { parseDuration } from "../core/text.ts";

export interface UserFiles {
  settings: Settings;
  keys: readonly Key[];
  /** Remarks to show; never a secret. */
  notes: string[];
  /** Variables that contain keys; the launcher hides them from its child. */
  variables: string[];
}

export interface UserPlaces {
  paths: Paths;
  env: Env;
}

/** Throws a Problem if a file is invalid. */
export async function readUserFiles(
  { paths, env }: UserPlaces,
  config: LoadedConfig | undefined = undefined,
): Promise<UserFiles> {
  const { settings: written, warnings } = config ?? (await loadConfig(paths));
  const { settings, notes: envNotes } = withHold(written, env["OROUTER_HOLD"]);
  const { keys, notes, variables } = await loadKeys({ paths, settings, env });
  return { settings, keys, notes: [...warnings, ...envNotes, ...notes], variables };
}

/** `OROUTER_HOLD=8h` in place of the file's `hold`. */
function withHold(settings: Settings, text: string | undefined): { settings: Settings; notes: string[] } {
  if (text === undefined || text === "") return { settings, notes: [] };
  const holdMs = parseDuration(text);
  if (holdMs === undefined)
    return { settings, notes: ['OROUTER_HOLD is ignored: it is not a duration such as "8h" or "30m".'] };
  return { settings: { ...settings, routing: { ...settings.routing, holdMs } }, notes: [] };
}

export interface CommandContext {
  env: Env;
  paths: Paths;
  settings: Settings;
  /** Includes keys whose secret is missing at the moment. */
  entries: readonly KeyEntry[];
  keys: readonly Key[];
}

export async function readContext(env: Env = process.env): Promise<CommandContext> {
  const { context, notes } = await loadContext(env);
  for (const note of notes) talk.warn(note);
  return context;
}

/** Reads everything again after a change, without repeating the warnings. */
export async function readContextAgain(context: Pick<CommandContext, "env">): Promise<CommandContext> {
  return (await loadContext(context.env)).context;
}

async function loadContext(env: Env): Promise<{ context: CommandContext; notes: string[] }> {
  const paths = resolvePaths(env);
  const { settings, keys, notes } = await readUserFiles({ paths, env });
  const { entries } = await loadKeyEntries(paths);
  return { context: { env, paths, settings, entries, keys }, notes };
}

export function requireKey(keys: readonly Key[]): void {
  if (!keys.some((key) => key.enabled)) throw noKey(keys.length);
}

export function noKey(disabled: number): Problem {
  if (disabled > 0) {
    return new Problem({
      code: "no-key",
      what: `All ${disabled} keys are disabled.`,
      fix: "List them: orouter keys list. Enable one: orouter keys enable NAME",
      exit: EXIT.noKey,
    });
  }
  return new Problem({
    code: "no-key",
    what: "No API keys found.",
    fix: [
      "Set up interactively:              orouter setup",
      "Pipe keys in, one per line:        orouter keys add ollama-cloud --stdin < FILE",
      "Set a known environment variable:  export OLLAMA_API_KEY=…",
      "See it work without an account:    orouter demo",
    ].join("\n"),
    exit: EXIT.noKey,
  });
}
