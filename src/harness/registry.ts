import type { Agent } from "./harness.ts";

/** A coding agent as the list of commands has it; the rest is loaded when it is started. */
export interface AgentEntry {
  about: string;
  examples: readonly { line: string; does: string }[];
  load: () => Promise<Agent>;
}

/** The coding agents, by the command that starts them. */
export const AGENTS = {
  opencode: {
    about: "Run opencode behind the router with all its arguments",
    examples: [
      { line: "orouter opencode", does: "the terminal interface" },
      { line: 'orouter opencode run "hello"', does: "one prompt" },
    ],
    load: async () => (await import("./opencode/opencode.ts")).opencode,
  },
} as const satisfies Record<string, AgentEntry>;

export type AgentName = keyof typeof AGENTS;

export function isAgent(word: string | undefined): word is AgentName {
  return word !== undefined && Object.hasOwn(AGENTS, word);
}
