import { isInteractive, say } from "../../cli/io.ts";
import { talk } from "../../cli/talk.ts";
import { textArg } from "../../cli/text-arg.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { removeChain, removeFromChain } from "../../config/edit-chains.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { readWorld } from "../world.ts";
import { orderText } from "./chain-add.ts";
import { CHAIN_ARGS, knownChain } from "./chain-names.ts";

/** `orouter chain remove`: a model, or a whole chain, which is asked about first. */
export const chainRemoveVerb: Verb = {
  name: "remove",
  about: "Take a model out of a chain, or remove the whole chain",
  examples: [
    { line: "orouter chain remove coding nvidia/openai/gpt-oss-120b", does: "one model" },
    { line: "orouter chain remove coding 2", does: "the model at the second place" },
    { line: "orouter chain remove coding --yes", does: "all of it, without asking" },
  ],
  args: {
    chain: CHAIN_ARGS.chain,
    model: { ...CHAIN_ARGS.model, required: false },
    yes: { type: "boolean", alias: "y", description: "Do not ask" },
  },
  run: remove,
  children: {},
};

async function remove(args: VerbArgs): Promise<number> {
  const { settings, paths } = await readWorld();
  const chain = knownChain(args, settings);
  const asked = textArg(args, "model");
  if (asked !== undefined) {
    const { model, models } = await removeFromChain(paths, chain, asked);
    talk.success(`Took out ${model}; ${orderText(chain, models)}`);
    return EXIT.fine;
  }
  if (args["yes"] !== true && !(await isSure(chain))) {
    say("Nothing was removed.");
    return EXIT.failed;
  }
  await removeChain(paths, chain);
  talk.success(`Removed the chain ${chain}.`);
  return EXIT.fine;
}

async function isSure(chain: string): Promise<boolean> {
  if (!isInteractive()) {
    throw new Problem({
      code: "usage",
      what: "There is no terminal to ask whether you are sure.",
      fix: `Say so with --yes: orouter chain remove ${chain} --yes`,
      exit: EXIT.usage,
    });
  }
  const { askYes } = await import("../../cli/prompts.ts");
  return askYes(`Remove the whole chain ${chain}?`);
}
