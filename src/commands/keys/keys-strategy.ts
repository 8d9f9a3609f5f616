import { out, outJson } from "../../cli/io.ts";
import { talk } from "../../cli/talk.ts";
import { textArg } from "../../cli/text-arg.ts";
import { usageFault } from "../../cli/usage-problem.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { loadConfig } from "../../config/load.ts";
import { type Paths, resolvePaths } from "../../config/paths.ts";
import { setStrategy } from "../../config/set-strategy.ts";
import { didYouMean, nearest } from "../../core/nearest.ts";
import { EXIT } from "../../core/problem.ts";
import { STRATEGIES, type Strategy } from "../../core/routing/strategy.ts";

/** What each of them does, for those who choose. */
export const STRATEGY_WORDS: Record<Strategy, string> = {
  sticky: "a session keeps its key; new ones are spread",
  random: "any healthy key, each time",
  "round-robin": "one after another",
  "least-failures": "the one that rested least",
};

/** `orouter keys strategy`: in which order the healthy keys are used. */
export const keysStrategyVerb: Verb = {
  name: "strategy",
  about: "Show or set the order in which healthy keys are used",
  examples: [
    { line: "orouter keys strategy", does: "the one in force" },
    { line: "orouter keys strategy round-robin", does: "writes it into config.toml; comments stay" },
  ],
  args: {
    strategy: {
      type: "positional",
      required: false,
      description: `One of: ${STRATEGIES.join(", ")}`,
      offers: { words: STRATEGIES },
    },
    json: { type: "boolean", description: 'Print {"strategy":…}' },
  },
  run: strategy,
  children: {},
};

async function strategy(args: VerbArgs): Promise<number> {
  const paths = resolvePaths(process.env);
  const asked = textArg(args, "strategy");
  const chosen = asked === undefined ? undefined : named(asked);
  if (chosen !== undefined) await changeStrategy(paths, chosen);
  if (chosen !== undefined && args["json"] !== true) return EXIT.fine;
  const { settings } = await loadConfig(paths);
  const now = settings.routing.strategy;
  if (args["json"] === true) outJson({ strategy: now });
  else out(`${now}: ${STRATEGY_WORDS[now]}`);
  return EXIT.fine;
}

/** Writes a strategy and tells so. */
export async function changeStrategy(paths: Pick<Paths, "configFile">, chosen: Strategy): Promise<void> {
  if (await setStrategy(paths, chosen))
    talk.success(`The strategy is ${chosen} now: ${STRATEGY_WORDS[chosen]}.`);
  else talk.info(`It is ${chosen} already.`);
}

function named(text: string): Strategy {
  const found = STRATEGIES.find((one) => one === text);
  if (found !== undefined) return found;
  const near = nearest(text, STRATEGIES);
  throw usageFault(
    `There is no strategy ${JSON.stringify(text)}.${didYouMean(near)}`,
    `It is one of: ${STRATEGIES.join(", ")}.`,
  );
}
