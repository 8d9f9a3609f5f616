import { Problem } from "../../core/problem.ts";
import type { Agent, Harness } from "../../harness/harness.ts";
import { installsText } from "../../harness/opencode/locate.ts";
import { AGENTS } from "../../harness/registry.ts";
import { askVersion } from "../../harness/run/program.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";
import type { Patient } from "./patient.ts";

const CHECK = "opencode";

/** What was found out about opencode. */
export interface OpencodeCheck {
  findings: Finding[];
  /** Undefined where it is not there, or does not run. */
  harness: Harness | undefined;
}

/** Whether opencode is there, runs, and is one that we know. */
export async function checkOpencode(patient: Patient, self: string): Promise<OpencodeCheck> {
  const { settings, env, home, paths } = patient;
  const agent = await AGENTS.opencode.load();
  const install = installsText(agent.installs);
  let file: string;
  try {
    file = agent.locate({ settings, env, home, self });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { findings: [wrong(CHECK, error.message, error.fix ?? install)], harness: undefined };
  }
  const answer = await askVersion(file, agent.cleanEnv(env, paths.runRoot));
  const others = otherPrograms(agent, file, agent.findOthers(file, { env, home, self }));
  if (answer.kind === "none") {
    const fix = `Run it by itself once; if that fails too, install it again (${install})`;
    const finding = wrong(CHECK, `${file} does not tell its version: ${answer.why}.`, fix);
    return { findings: [finding, ...others], harness: undefined };
  }
  const harness = agent.harnessFor(answer.text);
  return { findings: [versionFinding(answer.text, file, harness, install), ...others], harness };
}

function versionFinding(version: string, file: string, { versions }: Harness, install: string): Finding {
  const what = `${version} at ${file}`;
  const parts = partsOf(version);
  if (parts.every((part) => part === 0)) return note(CHECK, `${what} is a build without a release number.`);
  if (compare(parts, versions.oldest) < 0)
    return wrong(CHECK, `${what} is too old for orouter.`, `Update it: opencode upgrade, or ${install}`);
  if (compare(parts, partsOf(versions.tried)) > 0)
    return note(CHECK, `${what} is newer than ${versions.tried}, which orouter was tested with.`);
  return ok(CHECK, what);
}

function partsOf(version: string): number[] {
  return version.split(/[.+-]/, 3).map(Number);
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = b.findIndex((number, index) => number !== a[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

/** Those behind the first one: an update of the wrong one looks like no update at all. */
function otherPrograms({ name }: Agent, used: string, others: readonly string[]): Finding[] {
  if (others.length === 0) return [];
  const what = `There are others: ${others.join(", ")}. ${used} is the one that is used.`;
  return [note(CHECK, what, `To choose, write under [${name}] in config.toml: path = "/the/one"`)];
}
