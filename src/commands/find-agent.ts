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
import { AGENTS, type AgentName } from "../harness/registry.ts";
import { type ProgramFacts, programFacts } from "../harness/run/program.ts";
import type { UserPlaces } from "./context.ts";

export interface AgentPlaces extends UserPlaces {
  settings: Settings;
}

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

/** Fails if files of this folder would make the agent read private files. */
export function checkProject(
  agent: Pick<Agent, "checkProject">,
  { paths }: Pick<AgentPlaces, "paths">,
  run: Pick<ProjectCheck, "env" | "args" | "secrets">,
): void {
  const folders = [paths.configDir, paths.stateDir, paths.cacheDir, paths.runRoot];
  agent.checkProject({ ...opencodePlace(run.env), ...run, folders });
}

/** Runs before the program is looked up, which may ask the user to install it. */
export async function checkLeftService(agent: Agent, places: AgentPlaces): Promise<void> {
  const at = { ...opencodePlace(places.env), runRoot: places.paths.runRoot };
  if (agent.findLeftService({ ...at, program: undefined }) === undefined) return;
  await offerStop(agent.findLeftService({ ...at, program: await programOf(agent, places) }));
}

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

/** Without a terminal the service is only reported. */
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

/** Whether an agent's program is there. */
export async function isInstalled(
  name: AgentName,
  { settings, env }: Pick<AgentPlaces, "settings" | "env">,
): Promise<boolean> {
  const agent = await AGENTS[name].load();
  try {
    agent.locate({ settings, env, home: homedir(), self: process.execPath });
    return true;
  } catch (error) {
    if (error instanceof Problem) return false;
    throw error;
  }
}
