import type { ClientProfile, ProfileName } from "./client-profile.ts";
import { neutral } from "./neutral.ts";
import { opencode1, opencode2 } from "./opencode.ts";

const PROFILES: Record<ProfileName, ClientProfile> = { opencode1, opencode2, neutral };

/** Which client sends which user-agent; the first match counts. */
const USER_AGENTS: [RegExp, ClientProfile][] = [
  // opencode/latest/2.0.15/cli
  [/^opencode\/[a-z]+\/\d/, opencode2],
  // opencode/1.18.33 ai-sdk/provider-utils/4.0.23 runtime/bun/1.3.14
  [/^opencode\/\d/, opencode1],
];

/** The profile of a client that orouter has started. */
export function profileFor(name: ProfileName): ClientProfile {
  return PROFILES[name];
}

/** The profile of a client that came by itself. */
export function profileByUserAgent(userAgent: string | null | undefined): ClientProfile {
  if (userAgent === null || userAgent === undefined) return neutral;
  return USER_AGENTS.find(([pattern]) => pattern.test(userAgent))?.[1] ?? neutral;
}
