import { existsSync } from "node:fs";
import { loadKeys } from "../../config/keys.ts";
import { loadKeyEntries } from "../../config/keys-file.ts";
import { loadConfig } from "../../config/load.ts";
import { type Env, type Paths, resolvePaths } from "../../config/paths.ts";
import { readToml } from "../../config/toml-file.ts";
import type { Key } from "../../core/key.ts";
import { Problem } from "../../core/problem.ts";
import type { KeyEntry } from "../../core/settings/key-entries.ts";
import { isTable } from "../../core/settings/setting-faults.ts";
import { defaultSettings, type Settings } from "../../core/settings/settings.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";

/** What there is to look at. A file that is wrong keeps nobody from looking at the rest. */
export interface Patient {
  env: Env;
  home: string;
  cwd: string;
  paths: Paths;
  /** The defaults where config.toml is wrong. */
  settings: Settings;
  isConfigWrong: boolean;
  /** config.toml as it is written; empty where there is none, or a wrong one. */
  written: Record<string, unknown>;
  entries: readonly KeyEntry[];
  /** Undefined where they could not be read. */
  keys: readonly Key[] | undefined;
}

/** Reads config and keys, and tells what is wrong with the files. */
export async function readPatient(
  at: Pick<Patient, "env" | "home" | "cwd">,
): Promise<{ patient: Patient; findings: Finding[] }> {
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
      findings.push(ok("config.toml", toml === undefined ? "not there; the defaults are in force" : "fine"));
  }
  const own = await foreseen("keys.toml", findings, () => loadKeyEntries(paths));
  const loaded =
    own === undefined
      ? undefined
      : await foreseen("keys.toml", findings, () => loadKeys({ paths, settings, env: at.env }));
  findings.push(...keyFileFindings(existsSync(paths.keysFile), own?.notes, loaded?.notes));
  const written = isTable(toml?.value) ? toml.value : {};
  return {
    patient: {
      ...at,
      paths,
      settings,
      isConfigWrong: config === undefined,
      written,
      entries: own?.entries ?? [],
      keys: loaded?.keys,
    },
    findings,
  };
}

/** What the files' readers foresee becomes a finding; anything else is a bug. */
async function foreseen<T>(
  check: string,
  findings: Finding[],
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    findings.push(wrong(check, error.message, error.fix ?? "Mend it in an editor."));
    return undefined;
  }
}

/** The first reader of keys.toml closes it to others; the second one tells of keys that are left out. */
function keyFileFindings(
  isThere: boolean,
  own: readonly string[] | undefined,
  all: readonly string[] | undefined,
): Finding[] {
  if (own === undefined) return [];
  const exposed = own.map((text) =>
    wrong("keys.toml", text, "If somebody else uses this machine, make new keys: they may have read these."),
  );
  const leftOut = (all ?? [])
    .filter((text) => !own.includes(text))
    .map((text) => note("keys.toml", text, "See them with: orouter keys list"));
  if (exposed.length > 0) return [...exposed, ...leftOut];
  return [ok("keys.toml", isThere ? "only you can read it" : "not there"), ...leftOut];
}
