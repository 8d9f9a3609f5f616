import { out } from "../../cli/io.ts";
import { usageFault } from "../../cli/usage-problem.ts";
import { NAME_KINDS, type NameKind, type Verb } from "../../cli/verb.ts";
import { resolvePaths } from "../../config/paths.ts";
import { didYouMean, nearest } from "../../core/nearest.ts";
import { EXIT } from "../../core/problem.ts";
import { knownNames } from "./known-names.ts";

/** `orouter completions names`: what the scripts ask for when somebody presses Tab. */
export const namesVerb: Verb = {
  name: "names",
  about: "The names of keys, providers, models, chains or settings, for the scripts",
  examples: [
    { line: "orouter completions names chains models", does: "a name a line; nothing is asked of anybody" },
  ],
  args: {
    kind: {
      type: "positional",
      valueHint: "KIND…",
      description: `Any of: ${NAME_KINDS.join(", ")}`,
      offers: { words: NAME_KINDS },
    },
  },
  rest: true,
  run: async ({ _: words }) => {
    const names = await knownNames(words.map(kindNamed), resolvePaths(process.env));
    if (names.length > 0) out(names.join("\n"));
    return EXIT.fine;
  },
  children: {},
};

function kindNamed(text: string): NameKind {
  const kind = NAME_KINDS.find((one) => one === text);
  if (kind !== undefined) return kind;
  throw usageFault(
    `There are no names of ${JSON.stringify(text)}.${didYouMean(nearest(text, NAME_KINDS))}`,
    `There are those of: ${NAME_KINDS.join(", ")}.`,
  );
}
