import { FETCH_POLICIES } from "../../catalog/cache.ts";
import {
  type ArgDefs,
  type ArgsOf,
  defineCommand,
  looksLikeSecret,
  secretInWords,
} from "../../cli/command.ts";
import { out, outJson, talk } from "../../cli/talk.ts";
import type { Catalog } from "../../core/catalog/catalog.ts";
import { CHAIN_PROVIDER, parseModelRef } from "../../core/model-ref.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { providerOf } from "../../core/settings/settings.ts";
import { didYouMean, nearest } from "../../core/text.ts";
import { openCatalog, providersWithKey } from "../catalog.ts";
import { type CommandContext, readContext } from "../context.ts";
import {
  costText,
  type ListedEntry,
  listedModels,
  listNotes,
  modelJson,
  type Refusals,
  readRefusals,
  refusalText,
  remarkOf,
  yesNo,
} from "./models-list.ts";

/** For more names than this there is `models list`. */
const MAX_HAVING = 6;

/** Accepts a full name, a chain, or an id that only one provider has. */
export function findModel(
  text: string,
  catalog: Catalog,
  context: Pick<CommandContext, "settings" | "keys">,
  refusals: Refusals = new Map(),
): ListedEntry {
  const ref = parseModelRef(text) ?? { provider: CHAIN_PROVIDER, model: text };
  const entry = catalog.find(text);
  if (entry !== undefined) return { provider: ref.provider, refusedBy: refusals.get(text) ?? [], ...entry };
  const providers = [CHAIN_PROVIDER, ...providersWithKey(context).map((provider) => provider.id)];
  const all = listedModels(catalog, providers, context.settings, refusals);
  const [only, ...others] = all.filter((one) => one.id === text);
  if (only !== undefined && others.length === 0) return only;
  const names = all.map((one) => `${one.provider}/${one.id}`);
  if (only !== undefined) throw ambiguous(text, [only, ...others]);
  if (looksLikeSecret(text)) throw secretInWords();
  const near =
    nearest(text, names) ??
    nearest(
      text,
      all.map((one) => one.id),
    );
  throw new Problem({
    code: "unknown-model",
    what: `Unknown model ${JSON.stringify(text)}.${didYouMean(near)}`,
    fix: near === undefined ? whereToLook(text, names) : "See: orouter models list",
    exit: EXIT.usage,
  });
}

/** Part of a name is too far from the whole to count as a typo. */
function whereToLook(text: string, names: readonly string[]): string {
  const having = names.filter((name) => name.includes(text.toLowerCase()));
  if (having.length === 0 || having.length > MAX_HAVING) return "See: orouter models list";
  return `With it in their names: ${having.join(", ")}`;
}

function ambiguous(text: string, entries: readonly ListedEntry[]): Problem {
  return new Problem({
    code: "ambiguous-model",
    what: `${entries.length} providers have ${JSON.stringify(text)}.`,
    fix: `Name one: ${entries.map((one) => `${one.provider}/${one.id}`).join(", ")}`,
    exit: EXIT.usage,
  });
}

const MODELS_INFO_ARGS = {
  model: {
    type: "positional",
    description: "Name a model, a chain or a unique model id",
    offers: { names: ["picks"] },
  },
  json: { type: "boolean", description: "Print one object, as in models list --json" },
} satisfies ArgDefs;

export const modelsInfoCommand = defineCommand({
  name: "info",
  about: "Show all that is known about a model or a chain",
  examples: [
    { line: "orouter models info ollama-cloud/gpt-oss:120b", does: "a model by its full name" },
    {
      line: "orouter models info gpt-oss:120b --json",
      does: "by its id where one provider has it, for scripts",
    },
  ],
  args: MODELS_INFO_ARGS,
  run: info,
  children: {},
});

async function info(args: ArgsOf<typeof MODELS_INFO_ARGS>): Promise<number> {
  const context = await readContext();
  // A cached list will do: one model does not change by the minute.
  const text = args.model;
  const named = parseModelRef(text)?.provider;
  const only = named === undefined ? undefined : providerOf(context.settings, named);
  const loaded = await openCatalog(context, FETCH_POLICIES.info, only);
  const entry = findModel(text, loaded.catalog, context, await readRefusals(context, Date.now()));
  const about = loaded.lists.filter((list) => list.provider === entry.provider);
  for (const note of listNotes({ ...loaded, lists: about }, [entry])) talk.warn(note);
  if (args.json === true) outJson(modelJson(entry));
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
    ["inputs", entry.inputs?.join(", ") ?? "-"],
    ["cost", entry.cost === undefined ? "-" : `${costText(entry.cost)} for a million tokens in / out`],
    ["source", entry.source],
    ...(entry.isRetired ? [["remark", remarkOf(entry)] as [string, string]] : []),
    ...(entry.refusedBy.length > 0 ? [["refused", refusalText(entry.refusedBy)] as [string, string]] : []),
  ];
  const width = Math.max(...lines.map(([label]) => label.length));
  return lines.map(([label, text]) => `${label.padEnd(width)}  ${text}`).join("\n");
}
