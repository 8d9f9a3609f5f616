import type { Harness, RunParts } from "../harness.ts";
import { USUAL_SIGNALS } from "../run/child.ts";

/** Any program that reads its address and its key from the usual variables. */
export const execHarness: Harness = {
  profile: undefined,
  versions: { oldest: [], tried: "" },
  plan: async (words) => ({ kind: "routed", args: words }),
  prepare: ({ url, token }: RunParts) => ({
    env: {
      OPENAI_BASE_URL: `${url}/v1`,
      // The older name of the same variable.
      OPENAI_API_BASE: `${url}/v1`,
      OPENAI_API_KEY: token,
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_AUTH_TOKEN: token,
    },
    providers: [],
    // Anthropic's own clients would send it instead of the token.
    without: ["ANTHROPIC_API_KEY"],
    tellModels: () => false,
  }),
  signals: USUAL_SIGNALS,
  printsLines: () => false,
  showsPlugin: () => false,
  waitsForList: () => false,
  waitsForNpm: false,
};
