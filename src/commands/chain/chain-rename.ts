import { looksLikeSecret } from "../../cli/looks-like-secret.ts";
import { talk } from "../../cli/talk.ts";
import { textArg } from "../../cli/text-arg.ts";
import { secretInWords } from "../../cli/usage-problem.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { type ConfigPlace, renameChain } from "../../config/edit-chains.ts";
import { EXIT } from "../../core/problem.ts";
import { readWorld } from "../world.ts";
import { CHAIN_ARGS, knownChain } from "./chain-names.ts";

/** `orouter chain rename`: also where other chains and fallbacks mention it. */
export const chainRenameVerb: Verb = {
  name: "rename",
  about: "Give a chain another name, also where other chains and fallbacks mention it",
  examples: [
    { line: "orouter chain rename coding work", does: "in opencode it is orouter/work from then on" },
  ],
  args: {
    chain: { ...CHAIN_ARGS.chain, valueHint: "OLD" },
    to: { type: "positional", valueHint: "NEW", description: "Its new name" },
  },
  run: rename,
  children: {},
};

async function rename(args: VerbArgs): Promise<number> {
  const to = textArg(args, "to") ?? "";
  if (looksLikeSecret(to)) throw secretInWords();
  const { settings, paths } = await readWorld();
  const chain = knownChain(args, settings);
  await giveName(paths, chain, to);
  return EXIT.fine;
}

/** Gives a chain another name, and tells so. */
export async function giveName(paths: ConfigPlace, chain: string, to: string): Promise<void> {
  await renameChain(paths, chain, to);
  talk.success(`Renamed ${chain} to ${to}. In opencode it is the model orouter/${to} now.`);
}
