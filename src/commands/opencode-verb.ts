import type { Verb } from "../cli/verb.ts";
import { runOpencode } from "./opencode.ts";

/** Only for the help page: the words behind `opencode` never come by here. */
export const opencodeVerb: Verb = {
  name: "opencode",
  about: "Run opencode behind the router; everything that follows is opencode's",
  examples: [
    { line: "orouter opencode", does: "the terminal interface" },
    { line: 'orouter opencode run "hello"', does: "one prompt" },
  ],
  args: {},
  rest: true,
  run: async (args) => (await runOpencode(args._)).exitCode,
  children: {},
};
