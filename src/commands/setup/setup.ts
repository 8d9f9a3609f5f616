import { isInteractive } from "../../cli/io.ts";
import { usageProblem } from "../../cli/usage-problem.ts";
import type { Verb } from "../../cli/verb.ts";
import { EXIT } from "../../core/problem.ts";
import { AGENTS } from "../../harness/registry.ts";
import { checkLeftService } from "../left-service.ts";
import { requireKey } from "../no-key.ts";
import { readWorld } from "../world.ts";

/** `orouter setup`: the questions of the first run, at any time. */
export const setupVerb: Verb = {
  name: "setup",
  about: "Choose services, paste keys, pick models: questions, then the files are written",
  examples: [{ line: "orouter setup", does: "asks; what is there already stays" }],
  args: {},
  run: setup,
  children: {},
};

async function setup(): Promise<number> {
  const world = await readWorld();
  if (!isInteractive()) {
    requireKey(world.keys);
    throw usageProblem("orouter setup asks questions, and there is no terminal to ask in.", [
      "orouter",
      "setup",
    ]);
  }
  await checkLeftService(await AGENTS.opencode.load(), world);
  const { runSetup } = await import("./run-setup.ts");
  const guide = await runSetup(world);
  guide.end("Now run: orouter opencode", "More keys later: orouter keys. Is all well? orouter doctor");
  return EXIT.fine;
}
