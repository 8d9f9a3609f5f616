import { PATIENCE } from "../../catalog/patience.ts";
import { out, outJson } from "../../cli/io.ts";
import { talk } from "../../cli/talk.ts";
import { textArg } from "../../cli/text-arg.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { parseModelRef } from "../../core/model-ref.ts";
import { EXIT } from "../../core/problem.ts";
import { providerOf } from "../../core/settings/settings.ts";
import { readWorld } from "../world.ts";
import { findModel } from "./find-model.ts";
import { listNotes } from "./list-notes.ts";
import { type ListedEntry, modelJson } from "./listed-models.ts";
import { costText, remarkOf, yesNo } from "./model-words.ts";
import { openCatalog } from "./open-catalog.ts";
import { readRefusals, refusalText } from "./refusals.ts";

/** `orouter models info`: all that is known of one model. */
export const modelsInfoVerb: Verb = {
  name: "info",
  about: "Everything that is known about a model or a chain",
  examples: [
    { line: "orouter models info ollama-cloud/gpt-oss:120b", does: "a model by its full name" },
    {
      line: "orouter models info gpt-oss:120b --json",
      does: "by its id where one provider has it, for scripts",
    },
  ],
  args: {
    model: {
      type: "positional",
      description: "provider/model, a chain, or an id that only one provider has",
      offers: { names: ["picks"] },
    },
    json: { type: "boolean", description: "The same as one object of models list --json" },
  },
  run: info,
  children: {},
};

async function info(args: VerbArgs): Promise<number> {
  const world = await readWorld();
  // A list that is still good will do: one model does not change by the minute.
  const text = textArg(args, "model") ?? "";
  const named = parseModelRef(text)?.provider;
  const only = named === undefined ? undefined : providerOf(world.settings, named);
  const loaded = await openCatalog(world, PATIENCE.info, only);
  const entry = findModel(text, loaded.catalog, world, await readRefusals(world, Date.now()));
  const about = loaded.lists.filter((list) => list.provider === entry.provider);
  for (const note of listNotes({ ...loaded, lists: about }, [entry])) talk.warn(note);
  if (args["json"] === true) outJson(modelJson(entry));
  else out(infoText(entry));
  return EXIT.fine;
}

function infoText(entry: ListedEntry): string {
  const tokens = (count: number | undefined) => (count === undefined ? "-" : `${count} tokens`);
  const lines: [string, string][] = [
    ["model", `${entry.provider}/${entry.id}`],
    ["name", entry.name],
    ["context", tokens(entry.context)],
    ["output", tokens(entry.output)],
    ...(entry.input === undefined ? [] : [["input", tokens(entry.input)] as [string, string]]),
    ["tools", yesNo(entry.toolCall)],
    ["reasoning", yesNo(entry.reasoning)],
    ["takes", entry.inputs?.join(", ") ?? "-"],
    ["cost", entry.cost === undefined ? "-" : `${costText(entry.cost)} for a million tokens in / out`],
    ["source", entry.source],
    ...(entry.isRetired ? [["remark", remarkOf(entry)] as [string, string]] : []),
    ...(entry.refusedBy.length > 0 ? [["refused", refusalText(entry.refusedBy)] as [string, string]] : []),
  ];
  const width = Math.max(...lines.map(([label]) => label.length));
  return lines.map(([label, text]) => `${label.padEnd(width)}  ${text}`).join("\n");
}
