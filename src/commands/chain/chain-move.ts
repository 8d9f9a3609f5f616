import { talk } from "../../cli/talk.ts";
import { textArg } from "../../cli/text-arg.ts";
import { usageProblem } from "../../cli/usage-problem.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { moveInChain } from "../../config/edit-chains.ts";
import { EXIT } from "../../core/problem.ts";
import type { Move } from "../../core/settings/chain-edits.ts";
import { readWorld } from "../world.ts";
import { orderText } from "./chain-add.ts";
import { CHAIN_ARGS, knownChain } from "./chain-names.ts";

/** `orouter chain move`: another place for a model. */
export const chainMoveVerb: Verb = {
  name: "move",
  about: "Move a model within its chain",
  examples: [
    { line: "orouter chain move coding nvidia/openai/gpt-oss-120b up", does: "tried one place earlier" },
    { line: "orouter chain move coding 3 1", does: "the third one comes first" },
  ],
  args: {
    ...CHAIN_ARGS,
    to: {
      type: "positional",
      valueHint: "up|down|N",
      description: "One place, or a place counted from 1",
      offers: { words: ["up", "down"] },
    },
  },
  run: move,
  children: {},
};

async function move(args: VerbArgs): Promise<number> {
  const to = moveOf(textArg(args, "to") ?? "");
  const { settings, paths } = await readWorld();
  const chain = knownChain(args, settings);
  const { models } = await moveInChain(paths, { chain, asked: textArg(args, "model") ?? "" }, to);
  talk.success(orderText(chain, models));
  return EXIT.fine;
}

function moveOf(text: string): Move {
  if (text === "up" || text === "down") return text;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw usageProblem(
    `A model moves up, down, or to a place counted from 1, not to ${JSON.stringify(text)}.`,
    ["orouter", "chain", "move"],
  );
}
