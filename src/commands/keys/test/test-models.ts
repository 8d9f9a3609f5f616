import { askSure } from "../../../cli/ask-sure.ts";
import { listenForInterruption } from "../../../cli/interruption.ts";
import { out, outJson, say } from "../../../cli/io.ts";
import { type Column, outputLook, type TableLook, tableText } from "../../../cli/table.ts";
import { counted } from "../../../core/counted.ts";
import type { Key } from "../../../core/key.ts";
import { keyTitle } from "../../../core/key.ts";
import { EXIT } from "../../../core/problem.ts";
import { verdictWords } from "../../../core/verdict/verdict.ts";
import { keepLoopbackDirect } from "../../keep-loopback-direct.ts";
import type { World } from "../../world.ts";
import type { KeyTrial } from "./test-key.ts";
import { type ModelChoice, planTrials, type TriedModel, tryModels } from "./try-models.ts";

export interface ModelTestOptions {
  choice: ModelChoice;
  limit: number;
  /** Somebody has said yes to what it costs. */
  isSure: boolean;
  asJson: boolean;
}

/** Which models the keys really have: each is asked once, for one token. */
export async function testModels(
  world: World,
  keys: readonly Key[],
  options: ModelTestOptions,
): Promise<number> {
  keepLoopbackDirect(process.env);
  const { trials, cut } = await planTrials(world, keys, options);
  if (cut > 0) say(`More than ${options.limit} models: ${cut} are left out; raise it with --limit.`);
  if (trials.length === 0) {
    if (options.asJson) outJson({ models: [] });
    say(nothingToTry(options.choice));
    return EXIT.fine;
  }
  if (!options.isSure && !(await mayCost(trials.length))) {
    say("Nothing was asked.");
    return EXIT.failed;
  }
  using stop = listenForInterruption();
  const tried = await tryModels(trials, {
    rules: world.settings.rules,
    nowMs: Date.now(),
    isListOpen: async () => true,
    signal: stop.signal,
    onDone: (done) => showProgress(done, trials.length),
  });
  showProgress(undefined, trials.length);
  if (options.asJson) outJson({ models: tried.map(toJson) });
  else out(modelsText(tried, outputLook(world.settings.theme)));
  // That a model is not in the plan is an answer; that a key is wrong is a failure.
  const isWrong = tried.some(({ trial }) => trial?.kind === "refused" && trial.verdict === "auth");
  return stop.signal.aborted || isWrong ? EXIT.failed : EXIT.fine;
}

async function mayCost(requests: number): Promise<boolean> {
  const cost = `${counted(requests, "request")}, each for one token of an answer`;
  return await askSure({
    question: `This takes ${cost}. Go on?`,
    call: "orouter keys test --models … --yes",
    nobody: `This takes ${cost}, and there is no terminal to ask whether that is all right.`,
    isLikely: true,
  });
}

/** One line that is written over; nobody wants it in a file. */
function showProgress(done: number | undefined, all: number): void {
  if (process.stderr.isTTY !== true) return;
  process.stderr.write(done === undefined ? "\r\x1b[K" : `\r\x1b[K${done} of ${all} asked`);
}

function nothingToTry(choice: ModelChoice): string {
  return choice === "chains"
    ? "No chain and no fallback names a model of these keys. Try all that are listed: --models all"
    : "No model is known of these keys. Name some under [providers.ID] models in config.toml.";
}

function modelsText(tried: readonly TriedModel[], look: TableLook): string {
  const columns: Column[] = [
    { title: "KEY", shrinks: true },
    { title: "MODEL", shrinks: true },
    { title: "RESULT", tone: (row) => (tried[row]?.trial?.kind === "refused" ? "bad" : "good") },
  ];
  const rows = tried.map(({ key, model, trial }) => [
    keyTitle(key),
    model,
    trial === undefined ? "not asked" : resultText(trial),
  ]);
  const byKey = Map.groupBy(tried, ({ key }) => keyTitle(key));
  const sums = [...byKey].map(([key, own]) => {
    const good = own.filter(({ trial }) => trial?.kind === "ok").length;
    return `${key}: ${good} of ${own.length} models answer.`;
  });
  return [tableText(columns, rows, look), "", ...sums].join("\n");
}

/** The reason in our words, and the provider's status: its own sentence would fill the screen for each model. */
function resultText(trial: KeyTrial): string {
  if (trial.kind !== "refused") return "answers";
  const why = trial.verdict === undefined ? "no answer" : verdictWords(trial.verdict);
  return trial.status === 0 ? why : `${why} (${trial.status})`;
}

function toJson({ key, model, trial }: TriedModel) {
  const { provider, name, fingerprint } = key;
  const head = { provider, name, fingerprint, model: `${provider}/${model}` };
  if (trial === undefined) return { ...head, ok: null };
  if (trial.kind !== "refused") return { ...head, ok: true };
  const { verdict = null, status, message } = trial;
  return { ...head, ok: false, verdict, status, message };
}
