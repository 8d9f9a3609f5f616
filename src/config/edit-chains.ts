import { didYouMean, nearest } from "../core/nearest.ts";
import { EXIT, Problem } from "../core/problem.ts";
import {
  destinationOf,
  listsNaming,
  type ModelLists,
  type Move,
  moved,
  placeOf,
  withKeyRenamed,
  withMentions,
} from "../core/settings/chains.ts";
import { isTable } from "../core/settings/checks.ts";
import type { TomlValue } from "./edit.ts";
import { editConfig } from "./edit-config.ts";
import type { Paths } from "./paths.ts";

/** Which file to edit. */
export type ConfigPlace = Pick<Paths, "configFile">;

/** A model to be added, at a place counted from 1 or at the end. */
export interface AddedModel {
  chain: string;
  model: string;
  at?: number | undefined;
}

/** The lists of config.toml, to be changed in place. */
interface EditedLists {
  chains: ModelLists;
  fallbacks: ModelLists;
}

/** Adds a model to a chain, which is made where there is none. Returns the chain's models now. */
export async function addToChain(place: ConfigPlace, { chain, model, at }: AddedModel): Promise<string[]> {
  return await editLists(place, ({ chains }) => {
    const list = Object.hasOwn(chains, chain) ? listOf(chains, chain) : [];
    const there = list.indexOf(model);
    if (there >= 0) throw usage("already-in-chain", `${model} is in ${chain} already, at ${there + 1}.`);
    if (at !== undefined && !isPlace(at, list.length + 1)) throw noPlace(at, list.length + 1);
    const changed = list.toSpliced((at ?? list.length + 1) - 1, 0, model);
    chains[chain] = changed;
    return changed;
  });
}

/** Takes a model out of a chain. Returns its name, and the chain's models now. */
export async function removeFromChain(place: ConfigPlace, chain: string, asked: string) {
  return await editLists(place, ({ chains }) => {
    const list = listOf(chains, chain);
    const at = entryAt(list, chain, asked);
    if (list.length === 1) {
      throw usage(
        "last-in-chain",
        `${list[at]} is the only model of ${chain}, and a chain cannot be empty.`,
        `Remove the chain: orouter chain remove ${chain}`,
      );
    }
    const models = list.toSpliced(at, 1);
    chains[chain] = models;
    return { model: list[at] ?? asked, models };
  });
}

/** Removes a chain; one that others build on stays. */
export async function removeChain(place: ConfigPlace, chain: string): Promise<void> {
  await editLists(place, ({ chains, fallbacks }) => {
    listOf(chains, chain);
    const users = [
      ...listsNaming(chain, chains).map((name) => `the chain ${name}`),
      ...listsNaming(chain, fallbacks).map((name) => `the fallback of ${name}`),
    ];
    if (users.length > 0) {
      throw usage("chain-in-use", `${chain} is part of ${users.join(", ")}.`, "Take it out there first.");
    }
    delete chains[chain];
  });
}

/** Moves a model within its chain. Returns its name, and the chain's models now. */
export async function moveInChain(place: ConfigPlace, entry: { chain: string; asked: string }, move: Move) {
  return await editLists(place, ({ chains }) => {
    const list = listOf(chains, entry.chain);
    const from = entryAt(list, entry.chain, entry.asked);
    const to = destinationOf(from, move, list.length);
    const model = list[from] ?? entry.asked;
    if (to === undefined && typeof move === "number") throw noPlace(move, list.length);
    if (to === undefined)
      throw usage("no-such-place", `${model} is ${move === "up" ? "first" : "last"} already.`);
    const models = moved(list, from, to);
    chains[entry.chain] = models;
    return { model, models };
  });
}

/** Gives a chain another name, also where other chains and fallbacks mention it. */
export async function renameChain(place: ConfigPlace, from: string, to: string): Promise<void> {
  await editLists(place, (lists) => {
    listOf(lists.chains, from);
    if (from === to) return;
    if (Object.hasOwn(lists.chains, to)) throw usage("chain-name-taken", `There is a chain ${to} already.`);
    lists.chains = withMentions(withKeyRenamed(lists.chains, from, to), from, to);
    lists.fallbacks = withMentions(lists.fallbacks, from, to);
  });
}

/** Says what stands behind a single model, or `"*"` for every other one. */
export async function setFallback(
  place: ConfigPlace,
  model: string,
  behind: readonly string[],
): Promise<void> {
  await editLists(place, ({ fallbacks }) => {
    fallbacks[model] = [...behind];
  });
}

/** Leaves nothing behind a single model. */
export async function removeFallback(place: ConfigPlace, model: string): Promise<void> {
  await editLists(place, ({ fallbacks }) => {
    if (!Object.hasOwn(fallbacks, model)) {
      const near = nearest(model, Object.keys(fallbacks));
      throw usage(
        "no-fallback",
        `Nothing stands behind ${model}.${didYouMean(near)}`,
        "See: orouter chain list",
      );
    }
    delete fallbacks[model];
  });
}

async function editLists<T>(place: ConfigPlace, change: (lists: EditedLists) => T): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  await editConfig(place, (file) => {
    const lists = { chains: listsIn(file["chains"]), fallbacks: listsIn(file["fallbacks"]) };
    resolve(change(lists));
    return withLists(file, lists);
  });
  return await promise;
}

/** A table that has become empty stays where it was, for the comments around it. */
function withLists(file: TomlValue, lists: EditedLists): TomlValue {
  const changed = { ...file };
  for (const [name, list] of Object.entries(lists)) {
    if (Object.hasOwn(file, name) || Object.keys(list).length > 0) changed[name] = list;
  }
  return changed;
}

function listsIn(table: unknown): ModelLists {
  const entries = Object.entries(isTable(table) ? table : {});
  return Object.fromEntries(
    entries.map(([name, list]) => [name, Array.isArray(list) ? list.map(String) : []]),
  );
}

/** Told where a chain is named that is not there. */
export function unknownChain(name: string, names: readonly string[]): Problem {
  const near = nearest(name, names);
  const fix =
    names.length === 0
      ? `Make one: orouter chain add ${/^[\w-]+$/.test(name) ? name : "NAME"} PROVIDER/MODEL`
      : `There are: ${names.join(", ")}.`;
  return usage("unknown-chain", `There is no chain ${JSON.stringify(name)}.${didYouMean(near)}`, fix);
}

function listOf(chains: ModelLists, name: string): string[] {
  const list = Object.hasOwn(chains, name) ? chains[name] : undefined;
  if (list === undefined) throw unknownChain(name, Object.keys(chains));
  return list;
}

function entryAt(list: readonly string[], chain: string, asked: string): number {
  const at = placeOf(list, asked);
  if (at !== undefined) return at;
  const near = nearest(asked, list);
  const fix = `It has: ${list.map((entry, index) => `${index + 1} ${entry}`).join(", ")}.`;
  throw usage("not-in-chain", `${chain} has no ${JSON.stringify(asked)}.${didYouMean(near)}`, fix);
}

function isPlace(at: number, last: number): boolean {
  return Number.isInteger(at) && at >= 1 && at <= last;
}

function noPlace(at: number, last: number): Problem {
  return usage("no-such-place", `There is no place ${at}: there are places 1 to ${last}.`);
}

function usage(code: string, what: string, fix?: string): Problem {
  return new Problem({ code, what, exit: EXIT.usage, ...(fix === undefined ? {} : { fix }) });
}
