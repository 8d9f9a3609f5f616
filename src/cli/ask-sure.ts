import { isInteractive } from "./io.ts";
import { askYes } from "./prompts.ts";
import { usageFault } from "./usage-problem.ts";

/** Something that is not done without a yes. */
export interface SureQuestion {
  question: string;
  /** The call with the yes in it, for those whom nobody can ask. */
  call: string;
  /** Why nothing is done there; only needed where it is not about something that would be gone. */
  nobody?: string;
  /** Enter alone says yes. */
  isLikely?: boolean;
}

/** Asks before something that is not easily undone. Where there is nobody to ask, `--yes` has to say it. */
export async function askSure({ question, call, nobody, isLikely = false }: SureQuestion): Promise<boolean> {
  if (!isInteractive())
    throw usageFault(
      nobody ?? "There is no terminal to ask whether you are sure.",
      `Say so with --yes: ${call}`,
    );
  return await askYes(question, isLikely);
}
