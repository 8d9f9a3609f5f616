import { askSure } from "../../cli/ask-sure.ts";
import { say } from "../../cli/io.ts";
import { talk } from "../../cli/talk.ts";
import { textArg } from "../../cli/text-arg.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { type ConfigPlace, removeChain, removeFromChain } from "../../config/edit-chains.ts";
import { EXIT } from "../../core/problem.ts";
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
  if (asked === undefined)
    return (await removeWhole(paths, chain, args["yes"] === true)) ? EXIT.fine : EXIT.failed;
  await takeOut(paths, chain, asked);
  return EXIT.fine;
}

/** Takes one model out of a chain, and tells so. */
export async function takeOut(paths: ConfigPlace, chain: string, asked: string): Promise<void> {
  const { model, models } = await removeFromChain(paths, chain, asked);
  talk.success(`Took out ${model}; ${orderText(chain, models)}`);
}

/** Removes a chain once somebody is sure. Whether it was removed. */
export async function removeWhole(paths: ConfigPlace, chain: string, isSaid: boolean): Promise<boolean> {
  const question = `Remove the whole chain ${chain}?`;
  const call = `orouter chain remove ${chain} --yes`;
  if (!isSaid && !(await askSure({ question, call }))) {
    say("Nothing was removed.");
    return false;
  }
  await removeChain(paths, chain);
  talk.success(`Removed the chain ${chain}.`);
  return true;
}
