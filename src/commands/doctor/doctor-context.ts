import { existsSync } from "node:fs";
import { loadKeys } from "../../config/keys.ts";
import { loadKeyEntries } from "../../config/keys-file.ts";
import { loadConfig } from "../../config/load.ts";
import { type Env, type Paths, resolvePaths } from "../../config/paths.ts";
import { readToml } from "../../config/toml-edit.ts";
import type { Key } from "../../core/key.ts";
import { Problem } from "../../core/problem.ts";
import { isTable } from "../../core/settings/checks.ts";
import type { KeyEntry } from "../../core/settings/keys.ts";
import { defaultSettings, type Settings } from "../../core/settings/settings.ts";

export interface Finding {
  check: string;
  level: "ok" | "note" | "wrong";
  /** A sentence; never a secret. */
  what: string;
  fix: string | undefined;
  /** Called only after the user agreed. Returns the finding after the repair. */
  repair?: Repair;
}

export interface Repair {
  question: string;
  run: () => Promise<Finding>;
}

export function ok(check: string, what: string): Finding {
  return { check, level: "ok", what, fix: undefined };
}

export function note(check: string, what: string, fix?: string): Finding {
  return { check, level: "note", what, fix };
}

export function wrong(check: string, what: string, fix: string): Finding {
  return { check, level: "wrong", what, fix };
}

/** An invalid file does not stop the checks of the others. */
export interface DoctorContext {
  env: Env;
  home: string;
  cwd: string;
  paths: Paths;
  /** The defaults if config.toml is invalid. */
  settings: Settings;
  isConfigWrong: boolean;
  /** The content of config.toml; empty if the file is missing or invalid. */
  written: Record<string, unknown>;
  entries: readonly KeyEntry[];
  keys: readonly Key[] | undefined;
}

export async function readContext(
  at: Pick<DoctorContext, "env" | "home" | "cwd">,
): Promise<{ context: DoctorContext; findings: Finding[] }> {
  const paths = resolvePaths(at.env);
  const findings: Finding[] = [];
  const config = await foreseen("config.toml", findings, () => loadConfig(paths));
  const settings = config?.settings ?? defaultSettings();
  const toml = config === undefined ? undefined : await readToml(paths.configFile);
  if (config !== undefined) {
    findings.push(
      ...config.warnings.map((warning) =>
        wrong("config.toml", warning, `Correct it in ${paths.configFile}.`),
      ),
    );
    if (config.warnings.length === 0)
      findings.push(ok("config.toml", toml === undefined ? "not there; the defaults apply" : "fine"));
  }
  const own = await foreseen("keys.toml", findings, () => loadKeyEntries(paths));
  const loaded =
    own === undefined
      ? undefined
      : await foreseen("keys.toml", findings, () => loadKeys({ paths, settings, env: at.env }));
  findings.push(...keyFileFindings(existsSync(paths.keysFile), own?.notes, loaded?.notes));
  return {
    context: {
      ...at,
      paths,
      settings,
      isConfigWrong: config === undefined,
      written: isTable(toml?.value) ? toml.value : {},
      entries: own?.entries ?? [],
      keys: loaded?.keys,
    },
    findings,
  };
}

/** A Problem becomes a finding; anything else is a bug. */
async function foreseen<T>(
  check: string,
  findings: Finding[],
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    findings.push(wrong(check, error.message, error.fix ?? "Correct it in an editor."));
    return undefined;
  }
}

/** Reading keys.toml also tightens its permissions. */
function keyFileFindings(
  isThere: boolean,
  own: readonly string[] | undefined,
  all: readonly string[] | undefined,
): Finding[] {
  if (own === undefined) return [];
  const exposed = own.map((text) =>
    wrong("keys.toml", text, "If other people use this machine, make new keys: they may have read these."),
  );
  const leftOut = (all ?? [])
    .filter((text) => !own.includes(text))
    .map((text) => note("keys.toml", text, "List your keys: orouter keys list"));
  if (exposed.length > 0) return [...exposed, ...leftOut];
  return [ok("keys.toml", isThere ? "only you can read it" : "not there"), ...leftOut];
}
