import { askSure } from "../../cli/ask.ts";
import { type ArgDefs, type ArgsOf, defineCommand } from "../../cli/command.ts";
import { talk } from "../../cli/talk.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { ownWords } from "../../core/scrub.ts";
import { counted } from "../../core/text.ts";
import { readContext } from "../context.ts";
import { openExistingState, type State } from "../state.ts";

const CLEAR_ARGS = {
  yes: { type: "boolean", alias: "y", description: "Skip the confirmation" },
} satisfies ArgDefs;

export const logsClearCommand = defineCommand({
  name: "clear",
  about: "Delete all recorded requests",
  examples: [
    { line: "orouter logs clear", does: "asks first; cooldowns stay, without the providers' words" },
    { line: "orouter logs clear --yes", does: "without a confirmation, for scripts" },
  ],
  args: CLEAR_ARGS,
  run: clear,
  children: {},
});

async function clear(args: ArgsOf<typeof CLEAR_ARGS>): Promise<number> {
  const question = "Delete all recorded requests?";
  if (args.yes !== true && !(await askSure({ question, call: "orouter logs clear --yes" }))) {
    talk.info("Nothing was erased.");
    return EXIT.failed;
  }
  const context = await readContext();
  let trouble: Problem | undefined;
  const state = await openExistingState(context, (problem) => {
    trouble ??= problem;
  });
  const erased = state === undefined ? 0 : await eraseIn(state);
  await state?.close();
  if (trouble !== undefined) throw trouble;
  if (erased === undefined) {
    const what = "Another program holds state.db, so nothing was erased.";
    throw new Problem({ code: "state-locked", what, fix: "Try again in a moment." });
  }
  talk.success(`Erased ${counted(erased, "request")}.`);
  return EXIT.fine;
}

/** The requests, and the words that cooldowns hold of them. */
async function eraseIn({ ledger, store }: State): Promise<number | undefined> {
  for (const cooldown of await store.cooldowns.all()) {
    if (cooldown.message !== "") store.cooldowns.set({ ...cooldown, message: ownWords("") });
  }
  await store.flush();
  return ledger.erase();
}
