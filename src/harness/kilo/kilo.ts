import { KILO_NAMES } from "../../core/opencode-config/opencode-config.ts";
import type { Agent, Harness, PreparedRun, RunParts } from "../harness.ts";
import { checkProjectConfigs } from "../opencode/project-check.ts";
import { cleanEnv } from "../opencode/run-config.ts";
import { opencode1For } from "../opencode1/opencode1.ts";
import type { Env } from "../run/child.ts";
import { isNamed, locateProgram, otherPrograms, type ProgramSearch } from "../run/locate.ts";

const SEARCH: ProgramSearch = {
  name: "kilo",
  installs: [{ what: "Kilo", command: ["npm", "install", "-g", "@kilocode/cli"] }],
  table: "agents.kilo",
  configured: (settings) => settings.agents.kilo.path,
  homeFolders: [".kilo/bin"],
};

/** Kilo: a fork of opencode 1 whose variables and folders have other names. */
export const kilo: Agent = {
  name: SEARCH.name,
  table: SEARCH.table,
  promptLine: 'orouter kilo run "…"',
  installs: SEARCH.installs,
  locate: (options) => locateProgram(options, SEARCH),
  isNamed: (options) => isNamed(options, SEARCH),
  findOthers: (used, options) => otherPrograms(used, options, SEARCH),
  packages: /^@kilocode\/cli/,
  isInfo: ([word, ...more]) => more.length === 0 && /^(?:-v|--version|-h|--help|help)$/.test(word ?? ""),
  harnessFor: () => kiloHarness,
  checkProject: (check) => checkProjectConfigs({ ...check, env: asOpencode(check.env) }, KILO_NAMES),
  findLeftService: () => undefined,
  cleanEnv: (env, runRoot) => asKilo(cleanEnv(asOpencode(env), runRoot), env),
};

const fork = opencode1For(KILO_NAMES);

/** Commands that opencode 1 does not have, and that ask no model. */
const PLAIN = new Set(["config", "console", "cloud", "profile", "remote", "daemon", "worktree", "help"]);

const kiloHarness: Harness = {
  ...fork,
  versions: { oldest: [7, 0, 0], tried: "7.7.9" },
  plan: async (words, program) =>
    PLAIN.has(words[0] ?? "") ? { kind: "plain", args: words } : fork.plan(words, program),
  prepare,
  showsPlugin: (words, env) => fork.showsPlugin(words, asOpencode(env)),
};

function prepare(run: RunParts): PreparedRun {
  const env = asOpencode(run.env);
  const model = run.model ?? run.known.settings.agents.kilo.model;
  const configs = () => run.configs({ env: cleanEnv(env, run.runRoot), names: KILO_NAMES });
  const prepared = fork.prepare({ ...run, env, model, configs });
  return {
    ...prepared,
    // The daemon is shared: it has the models and keys of whoever started it.
    env: { ...asKilo(prepared.env, {}), KILO_NO_DAEMON: "1" },
  };
}

const OURS = /^OPENCODE_/;
const THEIRS = /^KILO_/;

/** Kilo's variables under opencode's names. Kilo does not read opencode's own. */
function asOpencode(env: Env): Env {
  const kept = Object.entries(env).filter(([name]) => !OURS.test(name));
  return Object.fromEntries(kept.map(([name, value]) => [name.replace(THEIRS, "OPENCODE_"), value]));
}

/** The way back; opencode's own variables are as they were before. */
function asKilo(env: Record<string, string>, before: Env): Record<string, string> {
  const kilo = Object.entries(env).map(([name, value]) => [name.replace(OURS, "KILO_"), value]);
  const opencode = Object.entries(before).filter(([name, value]) => OURS.test(name) && value !== undefined);
  return Object.fromEntries([...kilo, ...opencode]);
}
