import { barChartText } from "../../cli/bar-chart.ts";
import { failureText } from "../../cli/failure.ts";
import { listenForInterruption } from "../../cli/interruption.ts";
import { isInteractive, out, outJson, say } from "../../cli/io.ts";
import { askYes } from "../../cli/prompts.ts";
import { outputLook } from "../../cli/table.ts";
import { textArg } from "../../cli/text-arg.ts";
import { usageProblem } from "../../cli/usage-problem.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import type { BenchResult } from "../../core/bench/bench-result.ts";
import { benchChart } from "../../core/bench/chart.ts";
import type { ModelBench } from "../../core/bench/model-bench.ts";
import { counted } from "../../core/counted.ts";
import { EXIT, type Problem } from "../../core/problem.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { requireKey } from "../no-key.ts";
import { readWorld, type World } from "../world.ts";
import { benchJson } from "./bench-json.ts";
import { benchModels } from "./bench-models.ts";
import { showProgress } from "./bench-progress.ts";
import { type BenchTargets, benchTargets } from "./bench-targets.ts";
import { benchNotes, benchTable } from "./bench-text.ts";
import { checkChartFile, saveChart } from "./save-chart.ts";

/** `orouter bench`: how long models take to begin, and how fast they go on. */
export const benchVerb: Verb = {
  name: "bench",
  about: "Measure models: time to the first token and tokens per second, with calls of up to 1024 tokens",
  examples: [
    { line: "orouter bench", does: "the models of your chains and fallbacks" },
    { line: "orouter bench coding", does: "the models of one chain" },
    { line: "orouter bench nvidia/openai/gpt-oss-120b --runs 5", does: "one model, more often" },
    { line: "orouter bench --json --save-chart speed.svg", does: "for scripts, and as a picture" },
  ],
  args: {
    model: {
      type: "positional",
      required: false,
      valueHint: "MODEL…",
      description: "PROVIDER/MODEL, or the name of a chain",
      offers: { names: ["models", "chains"] },
    },
    runs: { type: "string", description: "Runs for each model, 1 to 20 (default: 3)", valueHint: "N" },
    all: { type: "boolean", description: "Every model that is listed, after asking" },
    json: { type: "boolean", description: "Print an array with a result for each model" },
    "save-chart": {
      type: "string",
      description: "Write the bars to this SVG file as well",
      valueHint: "FILE",
    },
  },
  run: bench,
  rest: true,
  children: {},
};

const PATH = ["orouter", "bench"];
const USUAL_RUNS = 3;
const MAX_RUNS = 20;
/** What a shell says of a command that Ctrl-C has ended. */
const INTERRUPTED = 130;

async function bench(args: VerbArgs): Promise<number> {
  const runs = runsOf(args["runs"]);
  const isAll = args["all"] === true;
  if (isAll && args._.length > 0) throw usageProblem("Name models, or take --all of them: not both.", PATH);
  const chartFile = textArg(args, "save-chart");
  if (chartFile !== undefined) await checkChartFile(chartFile);
  const world = await readWorld();
  requireKey(world.keys);
  const targets = await benchTargets(world, args._, isAll);
  say(planText(targets, runs));
  if (isAll && isInteractive() && !(await askYes("Measure them all?"))) {
    say("Nothing was measured.");
    return EXIT.failed;
  }
  const { benches, isInterrupted } = await measure(world, targets.models, runs);
  const results = benches.flatMap(({ state }) => (state.kind === "measured" ? [state.result] : []));
  if (args["json"] === true) outJson(benches.map(benchJson));
  else print(benches, results, { runs, theme: world.settings.theme });
  if (chartFile !== undefined && results.length > 0) {
    await saveChart(chartFile, results);
    say(`The chart is in ${chartFile}.`);
  }
  return isInterrupted ? INTERRUPTED : exitCodeFor(benches);
}

async function measure(
  world: World,
  models: readonly string[],
  runs: number,
): Promise<{ benches: ModelBench[]; isInterrupted: boolean }> {
  const troubles: Problem[] = [];
  using interruption = listenForInterruption();
  const { signal } = interruption;
  // Who asks twice wants out, whatever is left to be told.
  signal.addEventListener("abort", () => interruption[Symbol.dispose](), { once: true });
  const progress = showProgress(runs, world.settings.theme);
  try {
    const benches = await benchModels(world, models, {
      runs,
      signal,
      onChange: (all) => progress.show(all),
      onTrouble: (problem) => troubles.push(problem),
    });
    return { benches, isInterrupted: signal.aborted };
  } finally {
    progress[Symbol.dispose]();
    for (const problem of troubles) say(failureText(problem));
  }
}

function runsOf(text: unknown): number {
  if (typeof text !== "string") return USUAL_RUNS;
  const runs = Number(text);
  if (/^\d+$/.test(text) && runs >= 1 && runs <= MAX_RUNS) return runs;
  throw usageProblem(`--runs takes a number from 1 to ${MAX_RUNS}, not ${JSON.stringify(text)}.`, PATH);
}

const FROM: Record<BenchTargets["from"], string> = {
  named: "",
  chains: " of your chains and fallbacks",
  defaults: " to begin with",
  all: ", all that are listed",
};

/** Calls cost tokens, so it is said how many there will be; a list that is too long to read is only counted. */
function planText({ models, from }: BenchTargets, runs: number): string {
  const many = counted(models.length, "model");
  const requests = counted(models.length * runs, "request");
  // What nobody has chosen is named.
  const names = from === "defaults" ? ` (${models.join(", ")})` : "";
  return `${many}${FROM[from]}${names}: ${requests} of up to 1024 tokens.`;
}

function print(
  benches: readonly ModelBench[],
  results: readonly BenchResult[],
  { runs, theme }: { runs: number; theme: Settings["theme"] },
): void {
  const look = outputLook(theme);
  out(benchTable(benches, { runs, look }));
  for (const note of benchNotes(benches)) say(note);
  // Bars are for eyes: a pipe has the figures.
  if (process.stdout.isTTY !== true) return;
  for (const { title, hint, bars } of results.length === 0 ? [] : benchChart(results)) {
    const drawn = bars.map(({ label, spread, text }) => ({ label, value: spread?.median, text }));
    const tone = title === "Tokens per second" ? "good" : "accent";
    out(`\n${barChartText({ title, hint, bars: drawn, tone }, look)}`);
  }
}

function exitCodeFor(benches: readonly ModelBench[]): number {
  if (benches.some(({ state }) => state.kind === "measured")) return EXIT.fine;
  return benches.every(({ state }) => state.kind === "skipped") ? EXIT.noKey : EXIT.failed;
}
