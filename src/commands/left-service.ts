import { homedir } from "node:os";
import { isInteractive, say } from "../cli/talk.ts";
import { opencodePlace } from "../config/opencode-place.ts";
import { Problem } from "../core/problem.ts";
import type { Agent, LeftService, ServicePlaces } from "../harness/harness.ts";
import { type AgentPlaces, agentFacts } from "./find-agent.ts";

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
