import { PATIENCE } from "../../catalog/patience.ts";
import { talk } from "../../cli/talk.ts";
import { textArg } from "../../cli/text-arg.ts";
import { usageProblem } from "../../cli/usage-problem.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { type ConfigPlace, removeFallback, setFallback } from "../../config/edit-chains.ts";
import { ANY_MODEL } from "../../core/model-ref.ts";
import { EXIT } from "../../core/problem.ts";
import { openCatalog } from "../models/open-catalog.ts";
import { readWorld } from "../world.ts";
import { namedEntry } from "./chain-names.ts";
import { singleName } from "./chains-text.ts";

/** `orouter chain fallback`: what is asked when a model that was chosen by itself cannot answer. */
export const chainFallbackVerb: Verb = {
  name: "fallback",
  about: "Say what stands behind a single model",
  examples: [
    { line: "orouter chain fallback ollama-cloud/kimi-k2.6 coding", does: "the models of a chain" },
    {
      line: 'orouter chain fallback "*" ollama-cloud/gpt-oss:120b nvidia/openai/gpt-oss-120b',
      does: "behind every model that has nothing of its own",
    },
    { line: 'orouter chain fallback "*" --remove', does: "nothing any more" },
  ],
  args: {
    model: {
      type: "positional",
      description: 'provider/model, or "*" for every other one',
      offers: { names: ["models"] },
    },
    behind: {
      type: "positional",
      required: false,
      valueHint: "CHAIN|MODEL…",
      description: "What is tried after it, in this order",
      offers: { names: ["models", "chains"] },
    },
    remove: { type: "boolean", description: "Leave nothing behind it" },
  },
  run: fallback,
  children: {},
  rest: true,
};

const PATH = ["orouter", "chain", "fallback"];

async function fallback(args: VerbArgs): Promise<number> {
  const asked = textArg(args, "model") ?? "";
  const behind = args._.slice(1);
  const isRemoved = args["remove"] === true;
  if (isRemoved && behind.length > 0) throw usageProblem("--remove takes no models.", PATH);
  if (!isRemoved && behind.length === 0)
    throw usageProblem(`${PATH.join(" ")} needs CHAIN|MODEL… or --remove.`, PATH);
  const world = await readWorld();
  if (isRemoved) {
    await leaveNothing(world.paths, asked);
    return EXIT.fine;
  }
  const { catalog } = await openCatalog(world, PATIENCE.info);
  const model = asked === ANY_MODEL ? { entry: asked, notes: [] } : namedEntry(asked, world, catalog);
  const entries = behind.map((one) => namedEntry(one, world, catalog));
  const names = entries.map(({ entry }) => entry);
  await putBehind(world.paths, model.entry, names);
  for (const note of new Set([model, ...entries].flatMap(({ notes }) => notes))) talk.warn(note);
  return EXIT.fine;
}

/** Puts models and chains behind a single model, and tells so. */
export async function putBehind(paths: ConfigPlace, model: string, behind: readonly string[]): Promise<void> {
  await setFallback(paths, model, behind);
  talk.success(`Behind ${singleName(model)} there is now: ${behind.join(", ")}.`);
}

/** Leaves nothing behind a single model, and tells so. */
export async function leaveNothing(paths: ConfigPlace, model: string): Promise<void> {
  await removeFallback(paths, model);
  talk.success(`Nothing stands behind ${singleName(model)} any more.`);
}
