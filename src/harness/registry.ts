import type { Agent } from "./harness.ts";

/** The entry of an agent in the list of commands; everything else is loaded when it is started. */
export interface AgentEntry {
  about: string;
  examples: readonly { line: string; does: string }[];
  load: () => Promise<Agent>;
}

/** By the command that starts them. */
export const AGENTS = {
  opencode: {
    about: "Run opencode behind the router with all its arguments",
    examples: [
      { line: "orouter opencode", does: "the terminal interface" },
      { line: 'orouter opencode run "hello"', does: "one prompt" },
    ],
    load: async () => (await import("./opencode/opencode.ts")).opencode,
  },
  claude: {
    about: "Run Claude Code behind the router with all its arguments",
    examples: [
      { line: "orouter claude", does: "the terminal interface" },
      { line: 'orouter claude -p "hello"', does: "one prompt" },
    ],
    load: async () => (await import("./claude/claude.ts")).claude,
  },
  codex: {
    about: "Run Codex behind the router with all its arguments",
    examples: [
      { line: "orouter codex", does: "the terminal interface" },
      { line: 'orouter codex exec "hello"', does: "one prompt" },
    ],
    load: async () => (await import("./codex/codex.ts")).codex,
  },
  kilo: {
    about: "Run Kilo behind the router with all its arguments",
    examples: [
      { line: "orouter kilo", does: "the terminal interface" },
      { line: 'orouter kilo run "hello"', does: "one prompt" },
    ],
    load: async () => (await import("./kilo/kilo.ts")).kilo,
  },
} as const satisfies Record<string, AgentEntry>;

export type AgentName = keyof typeof AGENTS;

export function isAgent(word: string | undefined): word is AgentName {
  return word !== undefined && Object.hasOwn(AGENTS, word);
}
