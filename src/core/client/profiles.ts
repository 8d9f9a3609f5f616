import { claude } from "./claude.ts";
import type { ClientProfile, ProfileName } from "./client-profile.ts";
import { codex } from "./codex.ts";
import { neutral } from "./neutral.ts";
import { opencode1, opencode2 } from "./opencode.ts";

const PROFILES: Record<ProfileName, ClientProfile> = { opencode1, opencode2, claude, codex, neutral };

/** The first match counts. */
const USER_AGENTS: [RegExp, ClientProfile][] = [
  // opencode/latest/2.0.15/cli
  [/^opencode\/[a-z]+\/\d/, opencode2],
  // opencode/1.18.33 ai-sdk/provider-utils/4.0.23 runtime/bun/1.3.14
  [/^opencode\/\d/, opencode1],
  // claude-cli/2.1.332 (external, cli)
  [/^claude-cli\/\d/, claude],
  // codex_exec/0.171.0 (Linux …), codex-tui/0.171.0
  [/^codex[\w-]*\/\d/, codex],
];

export function profileFor(name: ProfileName): ClientProfile {
  return PROFILES[name];
}

export function profileByUserAgent(userAgent: string | null | undefined): ClientProfile {
  if (userAgent === null || userAgent === undefined) return neutral;
  return USER_AGENTS.find(([pattern]) => pattern.test(userAgent))?.[1] ?? neutral;
}
