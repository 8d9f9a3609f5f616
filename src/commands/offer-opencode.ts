import { isInteractive } from "../cli/io.ts";
import { Problem } from "../core/problem.ts";
import { INSTALL_COMMAND } from "../opencode/locate.ts";

/** Finds opencode; where it is missing and somebody is there to ask, offers to install it and looks again. */
export async function findOrOfferOpencode(locate: () => string): Promise<string> {
  try {
    return locate();
  } catch (problem) {
    const isMissing = problem instanceof Problem && problem.code === "opencode-not-found";
    if (!isMissing || !isInteractive() || Bun.which("npm") === null) throw problem;
    const { askYes } = await import("../cli/prompts.ts");
    const question = `opencode is not here. Install it now with "${INSTALL_COMMAND.join(" ")}"?`;
    if (!(await askYes(question, true))) throw problem;
    const install = Bun.spawn([...INSTALL_COMMAND], {
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    });
    if ((await install.exited) !== 0) {
      throw new Problem({
        code: "opencode-not-installed",
        what: "npm could not install opencode.",
        fix: "Read what npm said above; opencode's own page lists other ways to install it.",
      });
    }
    return locate();
  }
}
