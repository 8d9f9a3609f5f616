import { helpText } from "../cli/help-text.ts";
import { isInteractive, out } from "../cli/io.ts";
import { EXIT } from "../core/problem.ts";
import type { ChildEnd } from "../opencode/child.ts";
import { noKey } from "./no-key.ts";
import { rootVerb } from "./root.ts";
import { readWorld } from "./world.ts";

const FINE: ChildEnd = { exitCode: EXIT.fine, signal: undefined };

/** `orouter` without a word: the questions of the first run where there is no key, else the list of commands. */
export async function runAlone(): Promise<ChildEnd> {
  const world = await readWorld();
  if (world.keys.length > 0) {
    out(helpText(rootVerb, [rootVerb.name]));
    return FINE;
  }
  if (!isInteractive()) throw noKey(0);
  const { runSetup } = await import("./setup/run-setup.ts");
  const guide = await runSetup(world);
  const { askYes } = await import("../cli/prompts.ts");
  const isWanted = await askYes("Start opencode now?", true);
  guide.end(isWanted ? "opencode starts." : "Whenever you like: orouter opencode");
  if (!isWanted) return FINE;
  const { runOpencode } = await import("./opencode.ts");
  return await runOpencode([]);
}
