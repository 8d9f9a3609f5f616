import { PATIENCE } from "../../catalog/cache.ts";
import { askSure } from "../../cli/ask.ts";
import {
  looksLikeSecret,
  secretInWords,
  textArg,
  usageProblem,
  type Verb,
  type VerbArgs,
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
} from "../../config/edit-chains.ts";
import type { Catalog } from "../../core/catalog/catalog.ts";
import { ANY_MODEL, formatModelRef, parseModelRef } from "../../core/model-ref.ts";
import { didYouMean, nearest } from "../../core/nearest.ts";
import { EXIT } from "../../core/problem.ts";
import { chainNamed, type Move } from "../../core/settings/chains.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { findProvider } from "../keys/own-key.ts";
import { findModel } from "../models/models-info.ts";
import { remarkOf } from "../models/models-list.ts";
import { openCatalog } from "../models/open-catalog.ts";
import { readWorld, type World } from "../world.ts";
import { singleName } from "./chain-list.ts";

/** Arguments that name a chain, and a model in it. */
export const CHAIN_ARGS = {
  chain: { type: "positional", description: "The chain's name", offers: { names: ["chains"] } },
  model: {
    type: "positional",
    description: "provider/model, its place in the chain, or the end of its name",
    offers: { names: ["models"] },
  },
} as const;

/** What goes into a list for the words of a person, and what they should hear about it. */
export interface NamedEntry {
  entry: string;
  notes: string[];
}

/** The name of a chain as a person typed it, `coding` and `orouter/coding` alike. */
export function chainArg(args: VerbArgs): string {
  const text = textArg(args, "chain") ?? "";
  if (looksLikeSecret(text)) throw secretInWords();
  return chainNamed(text) ?? text;
}

/** The name of a chain that is there. */
export function knownChain(args: VerbArgs, { chains }: Pick<Settings, "chains">): string {
  const name = chainArg(args);
  if (!Object.hasOwn(chains, name)) throw unknownChain(name, Object.keys(chains));
  return name;
}

/**
 * The model or chain that a person names. Its provider has to be known; a model that no list has is only remarked on,
 * since lists may be incomplete.
 */
export function namedEntry(
  text: string,
  world: Pick<World, "settings" | "keys">,
  catalog: Catalog,
): NamedEntry {
  const chain = chainNamed(text);
  if (chain !== undefined && Object.hasOwn(world.settings.chains, chain)) return { entry: chain, notes: [] };
  if (chain !== undefined) {
    const found = findModel(text, catalog, world);
    return { entry: formatModelRef({ provider: found.provider, model: found.id }), notes: [] };
  }
  const ref = parseModelRef(text);
  const provider = findProvider(world.settings, ref?.provider ?? text);
  const found = catalog.find(text);
  if (found === undefined && looksLikeSecret(text)) throw secretInWords();
  const listed = catalog.modelsOf(provider.id).map((model) => model.id);
  const isListed = listed.length === 0 || (found !== undefined && listed.includes(found.id));
  const near = isListed ? undefined : nearest(ref?.model ?? "", listed);
  const hint = didYouMean(near === undefined ? undefined : `${provider.id}/${near}`);
  const remark = found === undefined ? "" : remarkOf(found);
  const hasKey = world.keys.some((key) => key.enabled && key.provider === provider.id);
  return {
    entry: text,
    notes: [
      ...(isListed ? [] : [`${provider.id} does not list ${ref?.model}.${hint}`]),
      ...(remark === "" ? [] : [`${text} is ${remark}.`]),
      ...(hasKey ? [] : [`There is no key of ${provider.id} yet: orouter keys add ${provider.id}`]),
    ],
  };
}

/** `orouter chain add`: one more model, and the chain itself where it is new. */
export const chainAddVerb: Verb = {
  name: "add",
  about: "Add a model to a chain; a chain that is not there yet is made",
  examples: [
    { line: "orouter chain add coding ollama-cloud/gpt-oss:120b", does: "as the last one to be tried" },
    { line: "orouter chain add coding nvidia/openai/gpt-oss-120b --at 1", does: "as the first one" },
  ],
  args: {
    chain: CHAIN_ARGS.chain,
    model: {
      type: "positional",
      description: "provider/model, or the name of another chain",
      offers: { names: ["models", "chains"] },
    },
    at: { type: "string", description: "Its place, counted from 1 (default: the last)", valueHint: "N" },
  },
  run: add,
  children: {},
};

async function add(args: VerbArgs): Promise<number> {
  const chain = chainArg(args);
  const at = placeArg(textArg(args, "at"));
  const world = await readWorld();
  const { catalog } = await openCatalog(world, PATIENCE.info);
  const { entry, notes } = namedEntry(textArg(args, "model") ?? "", world, catalog);
  const models = await addToChain(world.paths, { chain, model: entry, at });
  talk.success(addedText(chain, models));
  for (const note of notes) talk.warn(note);
  return EXIT.fine;
}

/** What a chain is after it got one more model. */
export function addedText(chain: string, models: readonly string[]): string {
  if (models.length > 1) return orderText(chain, models);
  return `Made the chain ${chain} of ${models.join("")}. In opencode it is the model orouter/${chain}.`;
}

/** The models of a chain in their order, in one line. */
export function orderText(chain: string, models: readonly string[]): string {
  return `${chain} is now ${models.map((model, at) => `${at + 1} ${model}`).join(", ")}.`;
}

function placeArg(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw usageProblem("--at is a place in the chain, counted from 1.", ["orouter", "chain", "add"]);
}

/** `orouter chain fallback`: what is asked when a model that was chosen by itself cannot answer. */
export const chainFallbackVerb: Verb = {
  name: "fallback",
  about: "Say what stands behind a single model",
  examples: [
    { line: "orouter chain fallback ollama-cloud/kimi-k2.6 coding", does: "the models of a chain" },
    {
      line: 'orouter chain fallback "*" ollama-cloud/gpt-oss:120b nvidia/openai/gpt-oss-120b',
      does: "behind every model that has nothing of its own",
    },
    { line: 'orouter chain fallback "*" --remove', does: "nothing any more" },
  ],
  args: {
    model: {
      type: "positional",
      description: 'provider/model, or "*" for every other one',
      offers: { names: ["models"] },
    },
    behind: {
      type: "positional",
      required: false,
      valueHint: "CHAIN|MODEL…",
      description: "What is tried after it, in this order",
      offers: { names: ["models", "chains"] },
    },
    remove: { type: "boolean", description: "Leave nothing behind it" },
  },
  run: fallback,
  children: {},
  rest: true,
};

const PATH = ["orouter", "chain", "fallback"];

async function fallback(args: VerbArgs): Promise<number> {
  const asked = textArg(args, "model") ?? "";
  const behind = args._.slice(1);
  const isRemoved = args["remove"] === true;
  if (isRemoved && behind.length > 0) throw usageProblem("--remove takes no models.", PATH);
  if (!isRemoved && behind.length === 0)
    throw usageProblem(`${PATH.join(" ")} needs CHAIN|MODEL… or --remove.`, PATH);
  const world = await readWorld();
  if (isRemoved) {
    await leaveNothing(world.paths, asked);
    return EXIT.fine;
  }
  const { catalog } = await openCatalog(world, PATIENCE.info);
  const model = asked === ANY_MODEL ? { entry: asked, notes: [] } : namedEntry(asked, world, catalog);
  const entries = behind.map((one) => namedEntry(one, world, catalog));
  const names = entries.map(({ entry }) => entry);
  await putBehind(world.paths, model.entry, names);
  for (const note of new Set([model, ...entries].flatMap(({ notes }) => notes))) talk.warn(note);
  return EXIT.fine;
}

/** Puts models and chains behind a single model, and tells so. */
export async function putBehind(paths: ConfigPlace, model: string, behind: readonly string[]): Promise<void> {
  await setFallback(paths, model, behind);
  talk.success(`Behind ${singleName(model)} there is now: ${behind.join(", ")}.`);
}

/** Leaves nothing behind a single model, and tells so. */
export async function leaveNothing(paths: ConfigPlace, model: string): Promise<void> {
  await removeFallback(paths, model);
  talk.success(`Nothing stands behind ${singleName(model)} any more.`);
}

/** `orouter chain move`: another place for a model. */
export const chainMoveVerb: Verb = {
  name: "move",
  about: "Move a model within its chain",
  examples: [
    { line: "orouter chain move coding nvidia/openai/gpt-oss-120b up", does: "tried one place earlier" },
    { line: "orouter chain move coding 3 1", does: "the third one comes first" },
  ],
  args: {
    ...CHAIN_ARGS,
    to: {
      type: "positional",
      valueHint: "up|down|N",
      description: "One place, or a place counted from 1",
      offers: { words: ["up", "down"] },
    },
  },
  run: move,
  children: {},
};

async function move(args: VerbArgs): Promise<number> {
  const to = moveOf(textArg(args, "to") ?? "");
  const { settings, paths } = await readWorld();
  const chain = knownChain(args, settings);
  const { models } = await moveInChain(paths, { chain, asked: textArg(args, "model") ?? "" }, to);
  talk.success(orderText(chain, models));
  return EXIT.fine;
}

function moveOf(text: string): Move {
  if (text === "up" || text === "down") return text;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw usageProblem(
    `A model moves up, down, or to a place counted from 1, not to ${JSON.stringify(text)}.`,
    ["orouter", "chain", "move"],
  );
}

/** `orouter chain remove`: a model, or a whole chain, which is asked about first. */
export const chainRemoveVerb: Verb = {
  name: "remove",
  about: "Take a model out of a chain, or remove the whole chain",
  examples: [
    { line: "orouter chain remove coding nvidia/openai/gpt-oss-120b", does: "one model" },
    { line: "orouter chain remove coding 2", does: "the model at the second place" },
    { line: "orouter chain remove coding --yes", does: "all of it, without asking" },
  ],
  args: {
    chain: CHAIN_ARGS.chain,
    model: { ...CHAIN_ARGS.model, required: false },
    yes: { type: "boolean", alias: "y", description: "Do not ask" },
  },
  run: remove,
  children: {},
};

async function remove(args: VerbArgs): Promise<number> {
  const { settings, paths } = await readWorld();
  const chain = knownChain(args, settings);
  const asked = textArg(args, "model");
  if (asked === undefined)
    return (await removeWhole(paths, chain, args["yes"] === true)) ? EXIT.fine : EXIT.failed;
  await takeOut(paths, chain, asked);
  return EXIT.fine;
}

/** Takes one model out of a chain, and tells so. */
export async function takeOut(paths: ConfigPlace, chain: string, asked: string): Promise<void> {
  const { model, models } = await removeFromChain(paths, chain, asked);
  talk.success(`Took out ${model}; ${orderText(chain, models)}`);
}

/** Removes a chain once somebody is sure. Whether it was removed. */
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

/** `orouter chain rename`: also where other chains and fallbacks mention it. */
export const chainRenameVerb: Verb = {
  name: "rename",
  about: "Give a chain another name, also where other chains and fallbacks mention it",
  examples: [
    { line: "orouter chain rename coding work", does: "in opencode it is orouter/work from then on" },
  ],
  args: {
    chain: { ...CHAIN_ARGS.chain, valueHint: "OLD" },
    to: { type: "positional", valueHint: "NEW", description: "Its new name" },
  },
  run: rename,
  children: {},
};

async function rename(args: VerbArgs): Promise<number> {
  const to = textArg(args, "to") ?? "";
  if (looksLikeSecret(to)) throw secretInWords();
  const { settings, paths } = await readWorld();
  const chain = knownChain(args, settings);
  await giveName(paths, chain, to);
  return EXIT.fine;
}

/** Gives a chain another name, and tells so. */
export async function giveName(paths: ConfigPlace, chain: string, to: string): Promise<void> {
  await renameChain(paths, chain, to);
  talk.success(`Renamed ${chain} to ${to}. In opencode it is the model orouter/${to} now.`);
}
