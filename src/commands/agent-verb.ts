import type { Verb } from "../cli/command.ts";
import { AGENTS, type AgentName } from "../harness/registry.ts";
import { runAgent } from "./run-agent.ts";

/** The command of a coding agent, for the help page and the shell: the words behind its name never come by here. */
export function agentVerb(name: AgentName): Verb {
  const { about, examples } = AGENTS[name];
  return {
    name,
    about,
    examples,
    args: {
      model: {
        type: "string",
        alias: "m",
        description: `${name}'s own: the model to begin with; a chain is orouter/NAME`,
        valueHint: "PROVIDER/MODEL",
        offers: { names: ["picks"] },
      },
    },
    rest: true,
    run: async (args) => (await runAgent(name, args._)).exitCode,
    children: {},
  };
}
