import { PATIENCE } from "../../catalog/patience.ts";
import { out, outJson, say } from "../../cli/io.ts";
import { outputLook } from "../../cli/table.ts";
import { talk } from "../../cli/talk.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { EXIT } from "../../core/problem.ts";
import { leftOutText } from "../models/left-out-text.ts";
import { openCatalog } from "../models/open-catalog.ts";
import { readWorld } from "../world.ts";
import { type ChainView, viewChains } from "./chain-view.ts";
import { chainsJson } from "./chains-json.ts";
import { chainsText } from "./chains-text.ts";

/** `orouter chain list`: every chain with its models, and how they stand. */
export const chainListVerb: Verb = {
  name: "list",
  about: "Every chain with its models, what they can do, and how they stand now",
  examples: [
    { line: "orouter chain list", does: "a chain's own line has what all of its models can do" },
    { line: "orouter chain list --json", does: "the same for scripts" },
  ],
  args: { json: { type: "boolean", description: 'Print {"chains":[…],"fallbacks":[…]}' } },
  run: async (args: VerbArgs) => {
    await printChains(args["json"] === true);
    return EXIT.fine;
  },
  children: {},
};

/** Prints all chains, and what stands behind single models. */
export async function printChains(asJson: boolean): Promise<void> {
  const world = await readWorld();
  const { catalog } = await openCatalog(world, PATIENCE.info);
  const view = await viewChains(world, catalog);
  for (const note of view.chains.flatMap(leftOutNote)) talk.warn(note);
  if (asJson) {
    outJson(chainsJson(view));
    return;
  }
  if (view.chains.length === 0) say("There is no chain yet. Make one: orouter chain add NAME PROVIDER/MODEL");
  const text = chainsText(view, outputLook(world.settings.theme));
  if (text !== "") out(text);
}

/** What a person should hear about limits that rest on some of the models only. */
export function leftOutNote({
  name,
  leftOut,
  members,
}: Pick<ChainView, "name" | "leftOut" | "members">): string[] {
  if (leftOut.length === 0) return [];
  return [leftOutText(name, leftOut, leftOut.length < members.length)];
}
