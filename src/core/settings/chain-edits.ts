import { CHAIN_PROVIDER } from "../model-ref.ts";

/** Lists of models by name, as `[chains]` and `[fallbacks]` have them. */
export type ModelLists = Record<string, string[]>;

/** Where a model goes within its chain: a place counted from 1, or one step. */
export type Move = "up" | "down" | number;

/** The place of a model in a list: by its name, its place counted from 1, or the end of its name where that is enough. */
export function placeOf(list: readonly string[], asked: string): number | undefined {
  const exact = list.indexOf(asked);
  if (exact >= 0) return exact;
  if (/^[1-9]\d*$/.test(asked)) return Number(asked) <= list.length ? Number(asked) - 1 : undefined;
  const [only, ...others] = list.flatMap((entry, at) => (entry.endsWith(`/${asked}`) ? at : []));
  return others.length === 0 ? only : undefined;
}

/** Where a move leads to, as an index; undefined where there is no such place. */
export function destinationOf(from: number, move: Move, length: number): number | undefined {
  const to = typeof move === "number" ? move - 1 : from + (move === "up" ? -1 : 1);
  return Number.isInteger(to) && to >= 0 && to < length ? to : undefined;
}

/** The list with one entry at another place. */
export function moved(list: readonly string[], from: number, to: number): string[] {
  const others = list.toSpliced(from, 1);
  return others.toSpliced(to, 0, ...list.slice(from, from + 1));
}

/** The lists that name a chain, each by its key. */
export function listsNaming(chain: string, lists: ModelLists): string[] {
  return Object.keys(lists).filter((name) => lists[name]?.some((entry) => isChain(entry, chain)) === true);
}

/** The lists with every mention of a chain under its new name, in either way of writing it. */
export function withMentions(lists: ModelLists, from: string, to: string): ModelLists {
  const rename = (entry: string): string => {
    if (entry === from) return to;
    return isChain(entry, from) ? `${CHAIN_PROVIDER}/${to}` : entry;
  };
  return Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.map(rename)]));
}

/** The lists with one key under another name, in its old place. */
export function withKeyRenamed(lists: ModelLists, from: string, to: string): ModelLists {
  return Object.fromEntries(Object.entries(lists).map(([name, list]) => [name === from ? to : name, list]));
}

function isChain(entry: string, chain: string): boolean {
  return entry === chain || entry === `${CHAIN_PROVIDER}/${chain}`;
}
