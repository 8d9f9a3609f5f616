import { PATIENCE } from "../../catalog/patience.ts";
import { talk } from "../../cli/talk.ts";
import { textArg } from "../../cli/text-arg.ts";
import { usageProblem } from "../../cli/usage-problem.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { addToChain } from "../../config/edit-chains.ts";
import { EXIT } from "../../core/problem.ts";
import { openCatalog } from "../models/open-catalog.ts";
import { readWorld } from "../world.ts";
import { CHAIN_ARGS, chainArg, namedEntry } from "./chain-names.ts";

/** `orouter chain add`: one more model, and the chain itself where it is new. */
export const chainAddVerb: Verb = {
  name: "add",
  about: "Add a model to a chain; a chain that is not there yet is made",
  examples: [
    { line: "orouter chain add coding ollama-cloud/gpt-oss:120b", does: "as the last one to be tried" },
    { line: "orouter chain add coding nvidia/openai/gpt-oss-120b --at 1", does: "as the first one" },
  ],
  args: {
    chain: CHAIN_ARGS.chain,
    model: {
      type: "positional",
      description: "provider/model, or the name of another chain",
      offers: { names: ["models", "chains"] },
    },
    at: { type: "string", description: "Its place, counted from 1 (default: the last)", valueHint: "N" },
  },
  run: add,
  children: {},
};

async function add(args: VerbArgs): Promise<number> {
  const chain = chainArg(args);
  const at = placeArg(textArg(args, "at"));
  const world = await readWorld();
  const { catalog } = await openCatalog(world, PATIENCE.info);
  const { entry, notes } = namedEntry(textArg(args, "model") ?? "", world, catalog);
  const models = await addToChain(world.paths, { chain, model: entry, at });
  talk.success(addedText(chain, models));
  for (const note of notes) talk.warn(note);
  return EXIT.fine;
}

/** What a chain is after it got one more model. */
export function addedText(chain: string, models: readonly string[]): string {
  if (models.length > 1) return orderText(chain, models);
  return `Made the chain ${chain} of ${models.join("")}. In opencode it is the model orouter/${chain}.`;
}

/** The models of a chain in their order, in one line. */
export function orderText(chain: string, models: readonly string[]): string {
  return `${chain} is now ${models.map((model, at) => `${at + 1} ${model}`).join(", ")}.`;
}

function placeArg(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw usageProblem("--at is a place in the chain, counted from 1.", ["orouter", "chain", "add"]);
}
