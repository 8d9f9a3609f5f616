import type { Verb } from "../cli/verb.ts";
import { runOpencode } from "./opencode.ts";

/** Only for the help page and the shell: the words behind `opencode` never come by here. */
export const opencodeVerb: Verb = {
  name: "opencode",
  about: "Run opencode behind the router; everything that follows is opencode's",
  examples: [
    { line: "orouter opencode", does: "the terminal interface" },
    { line: 'orouter opencode run "hello"', does: "one prompt" },
  ],
  args: {
    model: {
      type: "string",
      alias: "m",
      description: "opencode's own: the model to begin with; a chain is orouter/NAME",
      valueHint: "PROVIDER/MODEL",
      offers: { names: ["picks"] },
    },
  },
  rest: true,
  run: async (args) => (await runOpencode(args._)).exitCode,
  children: {},
};
