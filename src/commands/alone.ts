import { helpText } from "../cli/run-command.ts";
import { isInteractive, out } from "../cli/talk.ts";
import { EXIT } from "../core/problem.ts";
import type { ChildEnd } from "../harness/run/child.ts";
import { noKey } from "./no-key.ts";
import { rootVerb } from "./root.ts";
import { readWorld, type World } from "./world.ts";

const FINE: ChildEnd = { exitCode: EXIT.fine, signal: undefined };

/** `orouter` without a word: the questions of the first run where there is no key, else the list of commands. */
export async function runAlone(): Promise<ChildEnd> {
  const world = await readWorld();
  if (world.keys.length > 0) {
    out(helpText(rootVerb, [rootVerb.name]));
    return FINE;
  }
  if (!isInteractive()) throw noKey(0);
  if (!(await setUpAndAsk(world))) return FINE;
  const { runAgent } = await import("./run-agent.ts");
  return await runAgent("opencode", []);
}

/** Setup, and whether opencode is to start right after it. */
async function setUpAndAsk(world: World): Promise<boolean> {
  const [{ runSetup }, { askYes }, { holdKeyboard }] = await Promise.all([
    import("./setup/setup.ts"),
    import("../cli/ask.ts"),
    import("../cli/keyboard.ts"),
  ]);
  using _held = holdKeyboard();
  const guide = await runSetup(world);
  const isWanted = await askYes("Start opencode now?", true);
  guide.end(isWanted ? "opencode starts." : "Whenever you like: orouter opencode");
  return isWanted;
}
