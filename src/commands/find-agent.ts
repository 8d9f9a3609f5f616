import { homedir } from "node:os";
import { isInteractive } from "../cli/talk.ts";
import { opencodePlace } from "../config/opencode-place.ts";
import { Problem } from "../core/problem.ts";
import type { Settings } from "../core/settings/settings.ts";
import type { Agent, Harness, Install, ProjectCheck } from "../harness/harness.ts";
import { type ProgramFacts, programFacts } from "../harness/run/program.ts";
import type { UserPlaces } from "./read-user-files.ts";

/** Where an agent is looked for. */
export interface AgentPlaces extends UserPlaces {
  settings: Settings;
}

/** Finds an agent's program; where it is missing and a person is there to ask, offers to install it and looks again. */
export async function findAgent(agent: Agent, { settings, env }: AgentPlaces): Promise<string> {
  const where = { settings, env, home: homedir(), self: process.execPath };
  try {
    return agent.locate(where);
  } catch (problem) {
    const isMissing = problem instanceof Problem && problem.code === "agent-not-found";
    if (!isMissing || !isInteractive() || Bun.which("npm") === null) throw problem;
    const install = await askInstall(agent);
    if (install === undefined) throw problem;
    const npm = Bun.spawn([...install.command], { stdin: "inherit", stdout: "inherit", stderr: "inherit" });
    if ((await npm.exited) !== 0) {
      throw new Problem({
        code: "agent-not-installed",
        what: `npm could not install ${install.what}.`,
        fix: `Read what npm said above; the page of ${agent.name} lists other ways to install it.`,
      });
    }
    return agent.locate(where);
  }
}

/** Which of the ways to install it the person wants; undefined: none. */
async function askInstall({ name, installs }: Agent): Promise<Install | undefined> {
  const { askChoice } = await import("../cli/ask.ts");
  const options = installs.map(({ what, command }) => ({
    value: what,
    label: `Install ${what}`,
    hint: command.join(" "),
  }));
  const chosen = await askChoice(`${name} is not installed. Install it now?`, [
    ...options,
    { value: "", label: "No" },
  ]);
  return installs.find(({ what }) => what === chosen);
}

/** What is known of an agent's program, and how that version is started. */
export async function agentFacts(
  agent: Agent,
  file: string,
  { env, paths }: Pick<AgentPlaces, "env" | "paths">,
): Promise<{ program: ProgramFacts; harness: Harness }> {
  const program = await programFacts(file, {
    packages: agent.packages,
    cacheDir: paths.cacheDir,
    env: agent.cleanEnv(env, paths.runRoot),
  });
  return { program, harness: agent.harnessFor(program.version) };
}

/** Stops before an agent starts in a folder whose files would have it read what is private. */
export function checkProject(
  agent: Agent,
  { paths }: Pick<AgentPlaces, "paths">,
  run: Pick<ProjectCheck, "env" | "args" | "secrets">,
): void {
  const folders = [paths.configDir, paths.stateDir, paths.cacheDir, paths.runRoot];
  agent.checkProject({ ...opencodePlace(run.env), ...run, folders });
}
