import { existsSync } from "node:fs";
import { join } from "node:path";
import type { SeedPlugin } from "../../config/older-tools.ts";
import { type OpencodeConfig, opencodeFolder } from "../../config/opencode-configs.ts";
import { opencodeId } from "../../core/overlay/opencode-providers.ts";
import { Problem } from "../../core/problem.ts";
import { oneLine, redact } from "../../core/scrub.ts";
import { isTable } from "../../core/settings/checks.ts";
import { formatClock } from "../../core/text.ts";
import type { Agent, Harness, LeftService, ServicePlaces } from "../../harness/harness.ts";
import { findProjectLeaks } from "../../harness/opencode/project-check.ts";
import { readPluginMark } from "../../harness/opencode/run-config.ts";
import { wantsServerPlugin } from "../../harness/opencode1/opencode1.ts";
import { AGENTS } from "../../harness/registry.ts";
import { installsText } from "../../harness/run/locate.ts";
import { askVersion } from "../../harness/run/program.ts";
import { hasDoubledVersion } from "./check-providers.ts";
import { type DoctorContext, type Finding, note, ok, wrong } from "./doctor-context.ts";

const CHECK = "opencode";

export interface FoundOpencode {
  findings: Finding[];
  /** Undefined if no program runs. */
  harness: Harness | undefined;
}

export async function checkOpencode(context: DoctorContext, self: string): Promise<FoundOpencode> {
  const { settings, env, home, paths } = context;
  const agent = await AGENTS.opencode.load();
  const install = installsText(agent.installs);
  const service = (program: ServicePlaces["program"]): Finding[] =>
    serviceFindings(agent.findLeftService({ env, home, runRoot: paths.runRoot, program }));
  let file: string;
  try {
    file = agent.locate({ settings, env, home, self });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const missing = wrong(CHECK, error.message, error.fix ?? install);
    return { findings: [missing, ...service(undefined)], harness: undefined };
  }
  const answer = await askVersion(file, agent.cleanEnv(env, paths.runRoot));
  const others = otherPrograms(agent, file, agent.findOthers(file, { env, home, self }));
  if (answer.kind === "none") {
    const fix = `Run it by itself once; if that fails too, install it again (${install})`;
    const silent = wrong(CHECK, `${file} prints no version: ${answer.why}.`, fix);
    return { findings: [silent, ...others, ...service(undefined)], harness: undefined };
  }
  const version = answer.text;
  const harness = agent.harnessFor(version);
  const findings = [
    versionFinding({
      check: CHECK,
      version,
      file,
      harness,
      fix: `Update it: opencode upgrade, or ${install}`,
    }),
    ...others,
    ...service({ file, version }),
  ];
  return { findings, harness };
}

/** Agents that are not installed are not mentioned, unless config.toml or a variable names their program. */
export async function checkOtherAgents(context: DoctorContext, self: string): Promise<Finding[]> {
  const { opencode: _, ...others } = AGENTS;
  const agents = await Promise.all(Object.values(others).map(({ load }) => load()));
  const found = await Promise.all(agents.map((agent) => checkOtherAgent(agent, context, self)));
  return found.flat();
}

async function checkOtherAgent(agent: Agent, context: DoctorContext, self: string): Promise<Finding[]> {
  const { settings, env, home, paths } = context;
  const { name, installs } = agent;
  let file: string;
  try {
    file = agent.locate({ settings, env, home, self });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const isNamed = agent.isNamed({ settings, env });
    return isNamed ? [wrong(name, error.message, error.fix ?? installsText(installs))] : [];
  }
  const fix = `Install it again: ${installsText(installs)}`;
  const answer = await askVersion(file, agent.cleanEnv(env, paths.runRoot));
  if (answer.kind === "none") return [wrong(name, `${file} does not tell its version: ${answer.why}.`, fix)];
  const version = answer.text;
  return [
    versionFinding({ check: name, version, file, harness: agent.harnessFor(version), fix }),
    ...otherPrograms(agent, file, agent.findOthers(file, { env, home, self })),
  ];
}

interface FoundVersion {
  check: string;
  version: string;
  file: string;
  harness: Harness;
  /** How to update it. */
  fix: string;
}

/** Agents change almost daily, so a new version is assumed to work until it is known not to. */
function versionFinding({ check, version, file, harness: { versions }, fix }: FoundVersion): Finding {
  const what = `${version} at ${file}`;
  const parts = partsOf(version);
  if (parts.every((part) => part === 0)) return note(check, `${what} is a build without a release number.`);
  if (compare(parts, versions.oldest) < 0) return wrong(check, `${what} is too old for orouter.`, fix);
  if (compare(parts, partsOf(versions.tried)) > 0)
    return note(check, `${what} is newer than ${versions.tried}, which orouter was tested with.`);
  return ok(check, what);
}

function partsOf(version: string): number[] {
  return version.split(/[.+-]/, 3).map(Number);
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = b.findIndex((number, index) => number !== a[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

/** Programs later in PATH: updating one of them looks as if the update had failed. */
function otherPrograms({ name, table }: Agent, used: string, others: readonly string[]): Finding[] {
  if (others.length === 0) return [];
  const what = `Others are installed: ${others.join(", ")}. orouter uses ${used}.`;
  return [
    note(name, what, `To use another, write under [${table}] in config.toml: path = "/path/to/${name}"`),
  ];
}

const SERVICE = "opencode service";

/** A background service that still has the settings of an earlier run, and how to stop it. */
function serviceFindings(service: LeftService | undefined): Finding[] {
  if (service === undefined) return [];
  const { what, fix, pid, stop } = service;
  if (stop === undefined) return [wrong(SERVICE, what, fix)];
  const run = async (): Promise<Finding> =>
    (await stop())
      ? ok(SERVICE, `stopped (pid ${pid}); opencode starts a new one when it needs one`)
      : wrong(SERVICE, `opencode could not stop its service (pid ${pid}).`, `kill ${pid}`);
  const repair = { question: "Stop opencode's service now? It starts again when needed.", run };
  return [{ ...wrong(SERVICE, what, `orouter doctor --fix, or: ${fix}`), repair }];
}

export function checkProject(context: DoctorContext): Finding[] {
  const { env, home, cwd, paths, keys = [] } = context;
  const folders = [paths.configDir, paths.stateDir, paths.cacheDir, paths.runRoot];
  const secrets = keys.map((key) => key.secret);
  return findProjectLeaks({ env, home, cwd, args: [], folders, secrets }).map(({ file, line, target }) =>
    wrong(
      "project",
      `${oneLine(file, 200)}:${line} would read ${oneLine(target, 200)}, so orouter opencode does not start here.`,
      "Find out who wrote that line, and remove it.",
    ),
  );
}

const CONFIG = "opencode's config";

export function checkOpencodeConfig(
  context: Pick<DoctorContext, "keys" | "settings">,
  configs: readonly OpencodeConfig[],
  plugins: readonly SeedPlugin[],
): Finding[] {
  const findings = [
    ...configs.flatMap(unreadable),
    ...switchedOff(context, configs),
    ...plugins.map(pluginFinding),
    ...configs.flatMap(doubledAddresses),
  ];
  return findings.length > 0 ? findings : [ok(CONFIG, "nothing in it interferes")];
}

function unreadable({ from, value }: OpencodeConfig): Finding[] {
  if (value !== undefined) return [];
  const what = `${from} is not a JSON object, so opencode does not start with it.`;
  return [wrong(CONFIG, what, "Correct it in an editor, or unset it.")];
}

/** opencode takes each of these lists from the last config that has one. */
function switchedOff(
  { keys, settings }: Pick<DoctorContext, "keys" | "settings">,
  configs: readonly OpencodeConfig[],
): Finding[] {
  const used = new Set((keys ?? []).filter((key) => key.enabled).map((key) => opencodeId(key.provider)));
  if (Object.keys(settings.chains).length > 0) used.add("orouter");
  const disabled = lastList(configs, "disabled_providers");
  const enabled = lastList(configs, "enabled_providers");
  const off = [...used].filter((id) => disabled?.list.includes(id) === true);
  const left = [...used].filter((id) => enabled?.list.includes(id) === false);
  const findings: Finding[] = [];
  if (off.length > 0 && disabled !== undefined) {
    const what = `disabled_providers in ${disabled.from} turns off ${off.join(", ")}: opencode shows none of ${off.length === 1 ? "its" : "their"} models.`;
    findings.push(wrong(CONFIG, what, `Remove ${off.join(", ")} from disabled_providers there.`));
  }
  if (left.length > 0 && enabled !== undefined) {
    const what = `enabled_providers in ${enabled.from} leaves out ${left.join(", ")}: opencode shows none of ${left.length === 1 ? "its" : "their"} models.`;
    const quoted = left.map((id) => JSON.stringify(id)).join(", ");
    findings.push(wrong(CONFIG, what, `Add ${quoted} to enabled_providers there.`));
  }
  return findings;
}

function lastList(
  configs: readonly OpencodeConfig[],
  name: string,
): { from: string; list: unknown[] } | undefined {
  const config = configs.findLast(({ value }) => Array.isArray(value?.[name]));
  const list = config?.value?.[name];
  return config === undefined || !Array.isArray(list) ? undefined : { from: config.from, list };
}

function pluginFinding({ name, from }: SeedPlugin): Finding {
  const isListed = from.endsWith(".json") || from.endsWith(".jsonc");
  return wrong(
    CONFIG,
    `The plugin ${name} is loaded (${from}): it puts its own keys into requests that orouter should handle.`,
    `${isListed ? 'Remove it from "plugin" there' : "Remove it"}; import its keys first: orouter keys import`,
  );
}

/** Older config generators wrote such addresses; every call then ends in a 404. */
function doubledAddresses({ from, value }: OpencodeConfig): Finding[] {
  const providers = value?.["provider"];
  if (!isTable(providers)) return [];
  return Object.entries(providers).flatMap(([id, provider]) => {
    const options = isTable(provider) ? provider["options"] : undefined;
    const baseUrl = isTable(options) ? options["baseURL"] : undefined;
    if (typeof baseUrl !== "string" || !hasDoubledVersion(baseUrl)) return [];
    const what = `${from} has ${redact(baseUrl, [])} as the baseURL of ${id}: /v1 is there twice, and every call is answered with 404.`;
    return [wrong(CONFIG, what, "Write /v1 once there.")];
  });
}

const PLUGIN = "plugin";

export function checkPlugin(context: DoctorContext, harness: Harness | undefined, nowMs: number): Finding[] {
  return [tuiFinding(context, nowMs), ...serverFindings(context, harness?.waitsForNpm ?? true)];
}

function tuiFinding({ settings, env, paths }: DoctorContext, nowMs: number): Finding {
  if (!settings.opencode.plugin) return ok(PLUGIN, "turned off in config.toml");
  if (["1", "true"].includes(env["OPENCODE_PURE"]?.toLowerCase() ?? ""))
    return note(PLUGIN, "OPENCODE_PURE is set: opencode runs without orouter's toasts and commands.");
  const refusedMs = readPluginMark(paths.cacheDir);
  if (refusedMs === undefined) return ok(PLUGIN, "toasts and commands inside opencode are on");
  return wrong(
    PLUGIN,
    `opencode did not load orouter's plugin in its last run (${formatClock(refusedMs, nowMs)}): toasts and commands are missing; everything else works.`,
    "Update orouter, or write under [opencode] in config.toml: plugin = false",
  );
}

/** In opencode 1 a server plugin makes the first prompt wait for npm. */
function serverFindings(context: DoctorContext, waitsForNpm: boolean): Finding[] {
  const { shellKeys, tools } = context.settings.opencode;
  if (!waitsForNpm || !wantsServerPlugin({ shellKeys, tools })) return [];
  const names = [...(shellKeys ? ["shell_keys"] : []), ...(tools ? ["tools"] : [])].join(" and ");
  const isThere = existsSync(join(opencodeFolder(context), "node_modules", "@opencode-ai", "plugin"));
  const cost = isThere
    ? "the npm package that opencode needs for this is installed, so starting takes no longer."
    : "opencode installs @opencode-ai/plugin from npm at its next start, which takes some seconds; without a registry it waits for up to 5 s at every start.";
  return [note("server plugin", `${names} under [opencode]: ${cost}`)];
}
