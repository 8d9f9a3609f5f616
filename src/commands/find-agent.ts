import { homedir } from "node:os";
import { usageFault } from "../cli/command.ts";
import { isInteractive, say } from "../cli/talk.ts";
import { opencodePlace } from "../config/opencode-configs.ts";
import { Problem } from "../core/problem.ts";
import type { Settings } from "../core/settings/settings.ts";
import type {
  Agent,
  Harness,
  Install,
  LeftService,
  ProjectCheck,
  ServicePlaces,
} from "../harness/harness.ts";
import { type ProgramFacts, programFacts } from "../harness/run/program.ts";
import type { UserPlaces } from "./context.ts";

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

/** Stops before an agent's interface would write escape codes into a pipe or a file. */
export function requireTerminal({ name, promptLine }: Pick<Agent, "name" | "promptLine">): void {
  if (promptLine === undefined || process.stdout.isTTY === true) return;
  throw usageFault(
    `${name}'s interface needs a terminal, but stdout is not one.`,
    `Send one prompt instead: ${promptLine}`,
  );
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
  agent: Pick<Agent, "checkProject">,
  { paths }: Pick<AgentPlaces, "paths">,
  run: Pick<ProjectCheck, "env" | "args" | "secrets">,
): void {
  const folders = [paths.configDir, paths.stateDir, paths.cacheDir, paths.runRoot];
  agent.checkProject({ ...opencodePlace(run.env), ...run, folders });
}

/** Looks for a background service that a run of ours has left, before the program that could stop it is looked for. */
export async function checkLeftService(agent: Agent, places: AgentPlaces): Promise<void> {
  const at = { ...opencodePlace(places.env), runRoot: places.paths.runRoot };
  if (agent.findLeftService({ ...at, program: undefined }) === undefined) return;
  await offerStop(agent.findLeftService({ ...at, program: await programOf(agent, places) }));
}

/** Undefined where it is not installed, or does not run. */
async function programOf(agent: Agent, places: AgentPlaces): Promise<ServicePlaces["program"]> {
  const { settings, env } = places;
  try {
    const file = agent.locate({ settings, env, home: homedir(), self: process.execPath });
    return (await agentFacts(agent, file, places)).program;
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

/** Offers to stop a background service that a run of ours has left with its settings; without a terminal it is only reported. */
export async function offerStop(service: LeftService | undefined): Promise<void> {
  if (service === undefined) return;
  const { what, fix, pid, stop } = service;
  say(`[orouter] ${what}`);
  if (stop === undefined || !isInteractive()) {
    say(`[orouter] To stop it: ${fix}`);
    return;
  }
  const { askYes } = await import("../cli/ask.ts");
  if (!(await askYes("Stop it now? It starts again when needed.", true))) return;
  say(
    (await stop())
      ? `[orouter] Stopped the service (pid ${pid}).`
      : `[orouter] The service is still there; to stop it: kill ${pid}`,
  );
}
