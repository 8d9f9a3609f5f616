import { PATIENCE } from "../../../catalog/patience.ts";
import { listenForInterruption } from "../../../cli/interruption.ts";
import { out, outJson, say } from "../../../cli/io.ts";
import { outputLook } from "../../../cli/table.ts";
import { talk } from "../../../cli/talk.ts";
import { textArg } from "../../../cli/text-arg.ts";
import type { Verb, VerbArgs } from "../../../cli/verb.ts";
import type { Catalog } from "../../../core/catalog/catalog.ts";
import { CHAIN_PROVIDER, formatModelRef, parseModelRef } from "../../../core/model-ref.ts";
import { EXIT } from "../../../core/problem.ts";
import { readinessText } from "../../../core/routing/readiness-text.ts";
import { targetsOf } from "../../../core/routing/targets.ts";
import { openCatalog } from "../../models/open-catalog.ts";
import { requireKey } from "../../no-key.ts";
import { readWorld, type World } from "../../world.ts";
import { namedEntry } from "../chain-names.ts";
import { type MemberView, viewModels } from "../chain-view.ts";
import { hopLines, type TrialLook, trialLines } from "./trial-text.ts";
import { type Trial, type TryOptions, tryRequest } from "./try-request.ts";

/** `orouter chain test`: one real request, each step told as it happens. */
export const chainTestVerb: Verb = {
  name: "test",
  about: "Send one small request and see who is asked, and who answers; exit 1 if nobody does",
  examples: [
    { line: "orouter chain test coding", does: "through a chain" },
    { line: "orouter chain test ollama-cloud/gpt-oss:120b --json", does: "a single model, for scripts" },
  ],
  args: {
    name: {
      type: "positional",
      valueHint: "CHAIN|MODEL",
      description: "Whom to ask",
      offers: { names: ["chains", "models"] },
    },
    json: { type: "boolean", description: 'Print {"asked","answered","model","key","attempts",…}' },
  },
  run: test,
  children: {},
};

async function test(args: VerbArgs): Promise<number> {
  const world = await readWorld();
  const { catalog } = await openCatalog(world, PATIENCE.info);
  const { entry, notes } = namedEntry(textArg(args, "name") ?? "", world, catalog);
  for (const note of notes) talk.warn(note);
  if (args["json"] !== true) return (await showTrial(entry, world, catalog)) ? EXIT.fine : EXIT.failed;
  const trial = await runTrial(entry, { world, catalog, onHop: () => {} });
  outJson(trialJson(clientName(entry), trial));
  return trial.record?.outcome === "served" ? EXIT.fine : EXIT.failed;
}

/** Tries a model or a chain before a person's eyes. Whether anybody answered. */
export async function showTrial(entry: string, world: World, catalog: Catalog): Promise<boolean> {
  const look = outputLook(world.settings.theme);
  const lookNow = (): TrialLook => ({ ...look, nowMs: Date.now() });
  const targets = targetsOf(
    parseModelRef(clientName(entry)) ?? { provider: CHAIN_PROVIDER, model: entry },
    world.settings,
  );
  const members = await viewModels(targets.map(formatModelRef), world, catalog);
  for (const line of members.flatMap((member) => restText(member, Date.now()))) say(line);
  let asked = 0;
  const trial = await runTrial(entry, {
    world,
    catalog,
    onHop: (hop) => {
      if (hop.kind === "asked") asked++;
      for (const line of hopLines(hop, asked, lookNow())) out(line);
    },
  });
  for (const line of trialLines(entry, trial, lookNow())) out(line);
  return trial.record?.outcome === "served";
}

/** Who is passed over, since what the runs have met holds here too. */
function restText({ model, readiness, keys, ready }: MemberView, nowMs: number): string[] {
  if (readiness.kind !== "ready") return [`Not asked now: ${model}, ${readinessText(readiness, nowMs)}`];
  if (ready === keys) return [];
  return [`${keys - ready} of ${keys} keys are not asked now for ${model}: they rest`];
}

async function runTrial(entry: string, options: Omit<TryOptions, "asked" | "signal">): Promise<Trial> {
  requireKey(options.world.keys);
  using stop = listenForInterruption();
  return await tryRequest({ ...options, asked: clientName(entry), signal: stop.signal });
}

/** A chain is a model of ours. */
function clientName(entry: string): string {
  return parseModelRef(entry) === undefined ? `${CHAIN_PROVIDER}/${entry}` : entry;
}

/** Scripts rely on these names; those of attempts are the ones of `logs --json`. Null: there is no such thing. */
function trialJson(asked: string, { record, text, error }: Trial) {
  const isAnswered = record?.outcome === "served";
  return {
    asked,
    answered: isAnswered,
    model: record?.served ?? null,
    key: record?.keyName ?? null,
    firstTokenMs: record?.firstTokenMs ?? null,
    durationMs: record?.durationMs ?? null,
    text: isAnswered ? text : null,
    error: error ?? null,
    attempts: record?.attempts ?? [],
  };
}
