import { FETCH_POLICIES } from "../../catalog/cache.ts";
import { askSure } from "../../cli/ask.ts";
import {
  type ArgDefs,
  type ArgsOf,
  defineCommand,
  looksLikeSecret,
  secretInWords,
  usageFault,
  usageProblem,
} from "../../cli/command.ts";
import { say, talk } from "../../cli/talk.ts";
import {
  addToChain,
  type ConfigPlace,
  moveInChain,
  removeChain,
  removeFallback,
  removeFromChain,
  renameChain,
  setFallback,
  unknownChain,
} from "../../config/config-edits.ts";
import type { Catalog } from "../../core/catalog/catalog.ts";
import { ANY_MODEL, formatModelRef, parseModelRef } from "../../core/model-ref.ts";
import { EXIT } from "../../core/problem.ts";
import { chainNamed, type Move } from "../../core/settings/chains.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { didYouMean, nearest } from "../../core/text.ts";
import { openCatalog } from "../catalog.ts";
import { type CommandContext, readContext } from "../context.ts";
import { findProvider } from "../keys/own-key.ts";
import { findModel } from "../models/models-info.ts";
import { remarkOf } from "../models/models-list.ts";
import { singleName } from "./chain-list.ts";

export const CHAIN_ARGS = {
  chain: { type: "positional", description: "Name the chain", offers: { names: ["chains"] } },
  model: {
    type: "positional",
    description: "Name a model, its position or the end of its name",
    offers: { names: ["models"] },
  },
} as const;

export interface NamedEntry {
  entry: string;
  notes: string[];
}

/** Accepts both `coding` and `orouter/coding`. */
export function chainArg(args: Pick<ArgsOf<typeof CHAIN_ARGS>, "chain">): string {
  const text = args.chain;
  if (looksLikeSecret(text)) throw secretInWords();
  return chainNamed(text) ?? text;
}

export function knownChain(
  args: Pick<ArgsOf<typeof CHAIN_ARGS>, "chain">,
  { chains }: Pick<Settings, "chains">,
): string {
  const name = chainArg(args);
  if (!Object.hasOwn(chains, name)) throw unknownChain(name, Object.keys(chains));
  return name;
}

/** The provider has to be known. A model that no list has gets only a remark, since lists may be incomplete. */
export function namedEntry(
  text: string,
  context: Pick<CommandContext, "settings" | "keys">,
  catalog: Catalog,
): NamedEntry {
  refuseComma(text);
  const chain = chainNamed(text);
  if (chain !== undefined && Object.hasOwn(context.settings.chains, chain))
    return { entry: chain, notes: [] };
  if (chain !== undefined) {
    const found = findModel(text, catalog, context);
    return { entry: formatModelRef({ provider: found.provider, model: found.id }), notes: [] };
  }
  const ref = parseModelRef(text);
  const provider = findProvider(context.settings, ref?.provider ?? text);
  const found = catalog.find(text);
  if (found === undefined && looksLikeSecret(text)) throw secretInWords();
  const listed = catalog.modelsOf(provider.id).map((model) => model.id);
  const isListed = listed.length === 0 || (found !== undefined && listed.includes(found.id));
  const near = isListed ? undefined : nearest(ref?.model ?? "", listed);
  const hint = didYouMean(near === undefined ? undefined : `${provider.id}/${near}`);
  const remark = found === undefined ? "" : remarkOf(found);
  const hasKey = context.keys.some((key) => key.enabled && key.provider === provider.id);
  return {
    entry: text,
    notes: [
      ...(isListed ? [] : [`${provider.id} does not list ${ref?.model}.${hint}`]),
      ...(remark === "" ? [] : [`${text} is ${remark}.`]),
      ...(hasKey ? [] : [`No key for ${provider.id} yet: orouter keys add ${provider.id}`]),
    ],
  };
}

function refuseComma(text: string): void {
  if (!text.includes(",") || looksLikeSecret(text)) return;
  throw usageFault(
    `${text} contains a comma.`,
    "Add one model at a time; separate several fallbacks by spaces.",
  );
}

const CHAIN_ADD_ARGS = {
  chain: CHAIN_ARGS.chain,
  model: {
    type: "positional",
    description: "Name a model or another chain",
    offers: { names: ["models", "chains"] },
  },
  at: { type: "string", description: "Insert at this position, from 1 (default: the end)", valueHint: "N" },
} satisfies ArgDefs;

export const chainAddCommand = defineCommand({
  name: "add",
  about: "Add a model to a chain, creating the chain if needed",
  examples: [
    { line: "orouter chain add coding ollama-cloud/gpt-oss:120b", does: "append it" },
    { line: "orouter chain add coding nvidia/openai/gpt-oss-120b --at 1", does: "insert it first" },
  ],
  args: CHAIN_ADD_ARGS,
  run: add,
  children: {},
});

async function add(args: ArgsOf<typeof CHAIN_ADD_ARGS>): Promise<number> {
  const chain = chainArg(args);
  const at = placeArg(args.at);
  const context = await readContext();
  const { catalog } = await openCatalog(context, FETCH_POLICIES.info);
  const { entry, notes } = namedEntry(args.model, context, catalog);
  const models = await addToChain(context.paths, { chain, model: entry, at });
  talk.success(addedText(chain, models));
  for (const note of notes) talk.warn(note);
  return EXIT.fine;
}

export function addedText(chain: string, models: readonly string[]): string {
  if (models.length > 1) return orderText(chain, models);
  return `Created the chain ${chain} with ${models.join("")}. In opencode it is the model orouter/${chain}.`;
}

export function orderText(chain: string, models: readonly string[]): string {
  return `${chain} is now ${models.map((model, at) => `${at + 1} ${model}`).join(", ")}.`;
}

function placeArg(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw usageProblem("--at is a position in the chain, counted from 1.", ["orouter", "chain", "add"]);
}

const CHAIN_FALLBACK_ARGS = {
  model: {
    type: "positional",
    description: 'Name a model, or "*" for every other model',
    offers: { names: ["models"] },
  },
  behind: {
    type: "positional",
    required: false,
    valueHint: "CHAIN|MODEL…",
    description: "Name the models and chains to try after it, in order",
    offers: { names: ["models", "chains"] },
  },
  remove: { type: "boolean", description: "Remove its fallback" },
} satisfies ArgDefs;

export const chainFallbackCommand = defineCommand({
  name: "fallback",
  about: "Set the fallback of a single model",
  examples: [
    { line: "orouter chain fallback ollama-cloud/kimi-k2.6 coding", does: "the models of a chain" },
    {
      line: 'orouter chain fallback "*" ollama-cloud/gpt-oss:120b nvidia/openai/gpt-oss-120b',
      does: "for every model without its own fallback",
    },
    { line: 'orouter chain fallback "*" --remove', does: "remove the fallback" },
  ],
  args: CHAIN_FALLBACK_ARGS,
  run: fallback,
  children: {},
  rest: true,
});

const PATH = ["orouter", "chain", "fallback"];

async function fallback(args: ArgsOf<typeof CHAIN_FALLBACK_ARGS>): Promise<number> {
  const asked = args.model;
  const behind = args._.slice(1);
  const isRemoved = args.remove === true;
  if (isRemoved && behind.length > 0) throw usageProblem("--remove takes no models.", PATH);
  if (!isRemoved && behind.length === 0)
    throw usageProblem(`${PATH.join(" ")} needs CHAIN|MODEL… or --remove.`, PATH);
  const context = await readContext();
  if (isRemoved) {
    await leaveNothing(context.paths, asked);
    return EXIT.fine;
  }
  const { catalog } = await openCatalog(context, FETCH_POLICIES.info);
  const model = asked === ANY_MODEL ? { entry: asked, notes: [] } : namedEntry(asked, context, catalog);
  const entries = behind.map((one) => namedEntry(one, context, catalog));
  const names = entries.map(({ entry }) => entry);
  await putBehind(context.paths, model.entry, names);
  for (const note of new Set([model, ...entries].flatMap(({ notes }) => notes))) talk.warn(note);
  return EXIT.fine;
}

export async function putBehind(paths: ConfigPlace, model: string, behind: readonly string[]): Promise<void> {
  await setFallback(paths, model, behind);
  talk.success(`${singleName(model)} now falls back to ${behind.join(", ")}.`);
}

export async function leaveNothing(paths: ConfigPlace, model: string): Promise<void> {
  await removeFallback(paths, model);
  talk.success(`${singleName(model)} no longer has a fallback.`);
}

const CHAIN_MOVE_ARGS = {
  ...CHAIN_ARGS,
  to: {
    type: "positional",
    valueHint: "up|down|N",
    description: "Move by one, or to this position, counted from 1",
    offers: { words: ["up", "down"] },
  },
} satisfies ArgDefs;

export const chainMoveCommand = defineCommand({
  name: "move",
  about: "Move a model within its chain",
  examples: [
    { line: "orouter chain move coding nvidia/openai/gpt-oss-120b up", does: "tried one place earlier" },
    { line: "orouter chain move coding 3 1", does: "move the third model to the top" },
  ],
  args: CHAIN_MOVE_ARGS,
  run: move,
  children: {},
});

async function move(args: ArgsOf<typeof CHAIN_MOVE_ARGS>): Promise<number> {
  const to = moveOf(args.to);
  const { settings, paths } = await readContext();
  const chain = knownChain(args, settings);
  const { models } = await moveInChain(paths, { chain, asked: args.model }, to);
  talk.success(orderText(chain, models));
  return EXIT.fine;
}

function moveOf(text: string): Move {
  if (text === "up" || text === "down") return text;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw usageProblem(`Use up, down or a position counted from 1, not ${JSON.stringify(text)}.`, [
    "orouter",
    "chain",
    "move",
  ]);
}

const CHAIN_REMOVE_ARGS = {
  chain: CHAIN_ARGS.chain,
  model: { ...CHAIN_ARGS.model, required: false },
  yes: { type: "boolean", alias: "y", description: "Skip the confirmation" },
} satisfies ArgDefs;

export const chainRemoveCommand = defineCommand({
  name: "remove",
  about: "Remove a model from a chain, or the whole chain",
  examples: [
    { line: "orouter chain remove coding nvidia/openai/gpt-oss-120b", does: "one model" },
    { line: "orouter chain remove coding 2", does: "the model at the second place" },
    { line: "orouter chain remove coding --yes", does: "the whole chain, without a confirmation" },
  ],
  args: CHAIN_REMOVE_ARGS,
  run: remove,
  children: {},
});

async function remove(args: ArgsOf<typeof CHAIN_REMOVE_ARGS>): Promise<number> {
  const { settings, paths } = await readContext();
  const chain = knownChain(args, settings);
  const asked = args.model;
  if (asked === undefined)
    return (await removeWhole(paths, chain, args.yes === true)) ? EXIT.fine : EXIT.failed;
  await takeOut(paths, chain, asked);
  return EXIT.fine;
}

export async function takeOut(paths: ConfigPlace, chain: string, asked: string): Promise<void> {
  const { model, models } = await removeFromChain(paths, chain, asked);
  talk.success(`Removed ${model}; ${orderText(chain, models)}`);
}

export async function removeWhole(paths: ConfigPlace, chain: string, isSaid: boolean): Promise<boolean> {
  const question = `Remove the whole chain ${chain}?`;
  const call = `orouter chain remove ${chain} --yes`;
  if (!isSaid && !(await askSure({ question, call }))) {
    say("Nothing was removed.");
    return false;
  }
  await removeChain(paths, chain);
  talk.success(`Removed the chain ${chain}.`);
  return true;
}

const CHAIN_RENAME_ARGS = {
  chain: { ...CHAIN_ARGS.chain, valueHint: "OLD" },
  to: { type: "positional", valueHint: "NEW", description: "Choose the new name" },
} satisfies ArgDefs;

/** Also renames it in other chains and fallbacks. */
export const chainRenameCommand = defineCommand({
  name: "rename",
  about: "Rename a chain everywhere it is used",
  examples: [
    { line: "orouter chain rename coding work", does: "in opencode it is orouter/work from then on" },
  ],
  args: CHAIN_RENAME_ARGS,
  run: rename,
  children: {},
});

async function rename(args: ArgsOf<typeof CHAIN_RENAME_ARGS>): Promise<number> {
  const to = args.to;
  if (looksLikeSecret(to)) throw secretInWords();
  const { settings, paths } = await readContext();
  const chain = knownChain(args, settings);
  await giveName(paths, chain, to);
  return EXIT.fine;
}

export async function giveName(paths: ConfigPlace, chain: string, to: string): Promise<void> {
  await renameChain(paths, chain, to);
  talk.success(`Renamed ${chain} to ${to}. In opencode it is the model orouter/${to} now.`);
}
