import { PATIENCE } from "../../catalog/patience.ts";
import { out, outJson, say } from "../../cli/io.ts";
import { type Column, outputLook, type TableLook, tableText } from "../../cli/table.ts";
import { talk } from "../../cli/talk.ts";
import { textArg } from "../../cli/text-arg.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { takesImages } from "../../core/catalog/model-entry.ts";
import { CHAIN_PROVIDER } from "../../core/model-ref.ts";
import { EXIT } from "../../core/problem.ts";
import { findProvider } from "../keys/find-provider.ts";
import { readWorld } from "../world.ts";
import { listJson, listNotes } from "./list-notes.ts";
import { type ListedEntry, listedModels, modelJson } from "./listed-models.ts";
import { costText, remarkOf, tokenText, yesNo } from "./model-words.ts";
import { openCatalog, providersWithKey } from "./open-catalog.ts";
import { readRefusals, refusalText } from "./refusals.ts";

/** `orouter models list`: what there is to choose from. */
export const modelsListVerb: Verb = {
  name: "list",
  about: "List models: window, longest answer, tools, vision, cost, where that is known from",
  examples: [
    { line: "orouter models list", does: "of every provider with a key, and your chains" },
    { line: "orouter models list ollama-cloud", does: "of one provider" },
    { line: "orouter models list orouter --json", does: "your chains, for scripts" },
  ],
  args: {
    provider: {
      type: "positional",
      required: false,
      description: "Only this provider's; orouter: your chains",
      offers: { names: ["providers"], words: [CHAIN_PROVIDER] },
    },
    json: { type: "boolean", description: 'Print {"models":[…],"providers":[…]}' },
  },
  run: async (args: VerbArgs) => {
    await printModels(textArg(args, "provider"), args["json"] === true);
    return EXIT.fine;
  },
  children: {},
};

/** Prints the models, of all providers with a key or of one. */
export async function printModels(id: string | undefined, asJson: boolean): Promise<void> {
  const world = await readWorld();
  const { settings } = world;
  const only = id === undefined || id === CHAIN_PROVIDER ? undefined : findProvider(settings, id);
  const loaded = await openCatalog(world, PATIENCE.list, only);
  const shown = id === undefined ? [CHAIN_PROVIDER, ...providersWithKey(world).map((one) => one.id)] : [id];
  const entries = listedModels(loaded.catalog, shown, settings, await readRefusals(world, Date.now()));
  for (const note of listNotes(loaded, entries)) talk.warn(note);
  if (asJson) outJson({ models: entries.map(modelJson), providers: loaded.lists.map(listJson) });
  else if (entries.length > 0) out(listText(entries, outputLook(settings.theme)));
  else say(nothingText(id));
}

function nothingText(id: string | undefined): string {
  if (id === CHAIN_PROVIDER) return "There is no chain yet. Make one: orouter chain add NAME PROVIDER/MODEL";
  if (id !== undefined) return `Nothing is known about the models of ${id}.`;
  return "There is no key yet, so there are no models. Add one: orouter keys add ollama-cloud";
}

function listText(entries: readonly ListedEntry[], look: TableLook): string {
  const columns: Column[] = [
    { title: "MODEL", shrinks: true },
    { title: "CONTEXT" },
    { title: "OUTPUT" },
    { title: "TOOLS" },
    { title: "VISION" },
    { title: "COST" },
    { title: "SOURCE", tone: () => "muted" },
    { title: "REMARK", shrinks: true, tone: () => "warn" },
  ];
  const rows = entries.map((entry) => [
    `${entry.provider}/${entry.id}`,
    tokenText(entry.context),
    tokenText(entry.output),
    yesNo(entry.toolCall),
    yesNo(takesImages(entry)),
    costText(entry.cost),
    entry.source,
    [remarkOf(entry), refusalText(entry.refusedBy)].filter((text) => text !== "").join("; "),
  ]);
  // A column that has nothing to say takes the room of those that have.
  const used = columns.map((column, at) => column.title !== "REMARK" || rows.some((row) => row[at] !== ""));
  return tableText(
    columns.filter((_, at) => used[at]),
    rows.map((row) => row.filter((_, at) => used[at])),
    look,
  );
}
