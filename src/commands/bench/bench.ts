import { existsSync } from "node:fs";
import path from "node:path";
import { FETCH_POLICIES } from "../../catalog/cache.ts";
import { askYes, listenForInterruption } from "../../cli/ask.ts";
import { barChartText } from "../../cli/chart.ts";
import {
  type ArgDefs,
  type ArgsOf,
  defineCommand,
  looksLikeSecret,
  secretInWords,
  usageProblem,
} from "../../cli/command.ts";
import { outputLook } from "../../cli/table.ts";
import { failureText, isInteractive, out, outJson, say } from "../../cli/talk.ts";
import { unknownChain } from "../../config/config-edits.ts";
import { writeFileAtomic } from "../../config/write.ts";
import { benchChart, chartSvg } from "../../core/bench/chart.ts";
import type { BenchResult, ModelBench } from "../../core/bench/results.ts";
import { CHAIN_PROVIDER, formatModelRef, parseModelRef } from "../../core/model-ref.ts";
import { firstModels } from "../../core/opencode-config/opencode-config.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { namedModels } from "../../core/routing/targets.ts";
import { chainNamed, expandModels } from "../../core/settings/chains.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { counted } from "../../core/text.ts";
import { openCatalog, providersWithKey } from "../catalog.ts";
import { type CommandContext, readContext, requireKey } from "../context.ts";
import { findProvider } from "../keys/own-key.ts";
import { findModel } from "../models/models-info.ts";
import { benchModels, showProgress } from "./bench-models.ts";
import { benchJson, benchNotes, benchTable } from "./bench-text.ts";

export interface BenchTargets {
  models: string[];
  from: "named" | "chains" | "defaults" | "all";
}

/** Every call costs tokens, so without chains measure only a few models of each provider. */
const DEFAULTS_EACH = 3;

/** The models that the arguments name; without any, those of chains and fallbacks, else a few common ones. */
export async function benchTargets(
  context: CommandContext,
  words: readonly string[],
  isAll: boolean,
): Promise<BenchTargets> {
  const targets = await findTargets(context, words, isAll);
  if (targets.models.length > 0) return targets;
  throw new Problem({
    code: "no-models",
    what: "No model to measure.",
    fix: "Name one: orouter bench PROVIDER/MODEL. List them: orouter models list",
    exit: EXIT.usage,
  });
}

async function findTargets(
  context: CommandContext,
  words: readonly string[],
  isAll: boolean,
): Promise<BenchTargets> {
  if (isAll) return { models: await allModels(context), from: "all" };
  if (words.length > 0) {
    const models: string[] = [];
    for (const word of words) models.push(...(await modelsNamed(word, context)));
    return { models: [...new Set(models)], from: "named" };
  }
  const chosen = namedModels(context.settings).map(formatModelRef);
  if (chosen.length > 0) return { models: chosen, from: "chains" };
  const usual = providersWithKey(context).flatMap(({ id, models }) =>
    (models.length > 0 ? models : firstModels(id)).slice(0, DEFAULTS_EACH).map((model) => `${id}/${model}`),
  );
  return { models: usual, from: "defaults" };
}

async function modelsNamed(word: string, context: CommandContext): Promise<string[]> {
  const { settings } = context;
  const chain = chainNamed(word);
  if (chain !== undefined && Object.hasOwn(settings.chains, chain))
    return expandModels([chain], settings.chains);
  const ref = parseModelRef(word);
  if (ref?.provider === CHAIN_PROVIDER) {
    if (looksLikeSecret(ref.model)) throw secretInWords();
    throw unknownChain(ref.model, Object.keys(settings.chains));
  }
  if (ref !== undefined) {
    // A model that no list has may exist; its provider decides.
    findProvider(settings, ref.provider);
    return [word];
  }
  const { catalog } = await openCatalog(context, FETCH_POLICIES.info);
  const found = findModel(word, catalog, context);
  return [`${found.provider}/${found.id}`];
}

async function allModels(context: CommandContext): Promise<string[]> {
  const { catalog } = await openCatalog(context, FETCH_POLICIES.list);
  return providersWithKey(context).flatMap(({ id }) =>
    catalog
      .modelsOf(id)
      .filter((entry) => !entry.isRetired)
      .map((entry) => `${id}/${entry.id}`),
  );
}

const PATH = ["orouter", "bench"];

/** Only a comment or two may come before `<svg`. */
const HEAD_BYTES = 4096;

/** Fails before the first call if the chart could not be written or would overwrite another kind of file. */
export async function checkChartFile(file: string): Promise<void> {
  if (!file.toLowerCase().endsWith(".svg"))
    throw usageProblem(`--save-chart writes an SVG, so ${JSON.stringify(file)} should end in .svg.`, PATH);
  const folder = path.dirname(path.resolve(file));
  if (!existsSync(folder)) {
    throw new Problem({
      code: "no-folder",
      what: `The folder ${folder} for the chart does not exist.`,
      fix: "Create it first, or choose another file.",
      exit: EXIT.usage,
    });
  }
  if (!existsSync(file)) return;
  // An unreadable path, such as a folder, must not be overwritten either.
  const head = await Bun.file(file)
    .slice(0, HEAD_BYTES)
    .text()
    .catch(() => "unread");
  if (head.trim() === "" || head.includes("<svg")) return;
  throw new Problem({
    code: "not-a-chart",
    what: `${file} exists and is not an SVG, so it was not overwritten.`,
    fix: "Name another file.",
    exit: EXIT.usage,
  });
}

export async function saveChart(file: string, results: readonly BenchResult[]): Promise<void> {
  const runs = Math.max(...results.map((result) => result.runs));
  const day = new Date(Math.max(...results.map((result) => result.atMs))).toISOString().slice(0, 10);
  const of = runs === 1 ? "one run" : `median of ${runs} runs, with the quickest and the slowest`;
  const mark = results.some((result) => result.isEstimated) ? "; ~ tokens counted by characters" : "";
  const svg = chartSvg(benchChart(results), { title: "orouter bench", subtitle: `${day}, ${of}${mark}` });
  await writeFileAtomic(file, svg);
}

const BENCH_ARGS = {
  model: {
    type: "positional",
    required: false,
    valueHint: "MODEL…",
    description: "Name a model or a chain (default: your chains)",
    offers: { names: ["models", "chains"] },
  },
  runs: { type: "string", description: "Run each model N times, 1 to 20 (default: 3)", valueHint: "N" },
  all: { type: "boolean", description: "Measure every listed model, after a confirmation" },
  json: { type: "boolean", description: "Print an array with one result per model" },
  "save-chart": {
    type: "string",
    description: "Write the bar chart to this SVG file as well",
    valueHint: "FILE",
  },
} satisfies ArgDefs;

export const benchCommand = defineCommand({
  name: "bench",
  about: "Measure time to first token and tokens per second of models",
  examples: [
    { line: "orouter bench", does: "the models of your chains and fallbacks" },
    { line: "orouter bench coding", does: "the models of one chain" },
    { line: "orouter bench nvidia/openai/gpt-oss-120b --runs 5", does: "one model, more often" },
    { line: "orouter bench --json --save-chart speed.svg", does: "for scripts, and as a picture" },
  ],
  args: BENCH_ARGS,
  run: bench,
  rest: true,
  children: {},
});

const USUAL_RUNS = 3;
const MAX_RUNS = 20;
/** The exit code that shells report after Ctrl-C. */
const INTERRUPTED = 130;

export async function bench(
  args: Partial<ArgsOf<typeof BENCH_ARGS>> & Pick<ArgsOf<typeof BENCH_ARGS>, "_">,
): Promise<number> {
  const runs = runsOf(args.runs);
  const isAll = args.all === true;
  if (isAll && args._.length > 0) throw usageProblem("Name models or use --all, not both.", PATH);
  const chartFile = args.saveChart;
  if (chartFile !== undefined) await checkChartFile(chartFile);
  const context = await readContext();
  requireKey(context.keys);
  const targets = await benchTargets(context, args._, isAll);
  say(planText(targets, runs));
  if (isAll && isInteractive() && !(await askYes("Measure them all?"))) {
    say("Nothing was measured.");
    return EXIT.failed;
  }
  const { benches, isInterrupted } = await measure(context, targets.models, runs);
  const results = benches.flatMap(({ state }) => (state.kind === "measured" ? [state.result] : []));
  if (args.json === true) outJson(benches.map(benchJson));
  else print(benches, results, { runs, theme: context.settings.theme });
  if (chartFile !== undefined && results.length > 0) {
    await saveChart(chartFile, results);
    say(`The chart is in ${chartFile}.`);
  }
  return isInterrupted ? INTERRUPTED : exitCodeFor(benches);
}

async function measure(
  context: CommandContext,
  models: readonly string[],
  runs: number,
): Promise<{ benches: ModelBench[]; isInterrupted: boolean }> {
  const troubles: Problem[] = [];
  using interruption = listenForInterruption();
  const { signal } = interruption;
  // A second Ctrl-C ends at once.
  signal.addEventListener("abort", () => interruption[Symbol.dispose](), { once: true });
  const progress = showProgress(runs, context.settings.theme);
  try {
    const benches = await benchModels(context, models, {
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

function runsOf(text: string | undefined): number {
  if (typeof text !== "string") return USUAL_RUNS;
  const runs = Number(text);
  if (/^\d+$/.test(text) && runs >= 1 && runs <= MAX_RUNS) return runs;
  throw usageProblem(`--runs must be a number from 1 to ${MAX_RUNS}, not ${JSON.stringify(text)}.`, PATH);
}

const FROM: Record<BenchTargets["from"], string> = {
  named: "",
  chains: " of your chains and fallbacks",
  defaults: " to begin with",
  all: ", all that are listed",
};

/** Calls cost tokens, so say how many there will be; count a list that is too long to read. */
function planText({ models, from }: BenchTargets, runs: number): string {
  const many = counted(models.length, "model");
  const requests = counted(models.length * runs, "request");
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
  // A pipe gets the figures only.
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
