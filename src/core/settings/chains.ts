import { CHAIN_PROVIDER, parseModelRef } from "../model-ref.ts";

/** An entry is `provider/model` or the name of another chain. */
export type Chains = Readonly<Record<string, readonly string[]>>;

/** Accepts `coding` and `orouter/coding`; undefined for a plain model. */
export function chainNamed(entry: string): string | undefined {
  const ref = parseModelRef(entry);
  if (ref === undefined) return entry;
  return ref.provider === CHAIN_PROVIDER ? ref.model : undefined;
}

/** In order, each once, with nested chains resolved. */
export function expandModels(entries: readonly string[], chains: Chains): string[] {
  const models = new Set<string>();
  const opened = new Set<string>();
  const open = (list: readonly string[]): void => {
    for (const entry of list) {
      const name = chainNamed(entry);
      if (name === undefined) models.add(entry);
      else if (!opened.has(name)) {
        opened.add(name);
        open(membersOf(name, chains));
      }
    }
  };
  open(entries);
  return [...models];
}

/** The path from a chain back to itself, `["a", "b", "a"]`; undefined without a cycle. */
export function circleThrough(name: string, chains: Chains): string[] | undefined {
  const seen = new Set<string>();
  const search = (current: string, way: readonly string[]): string[] | undefined => {
    for (const entry of membersOf(current, chains)) {
      const next = chainNamed(entry);
      if (next === name) return [...way, next];
      if (next === undefined || seen.has(next)) continue;
      seen.add(next);
      const found = search(next, [...way, next]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return search(name, [name]);
}

function membersOf(name: string, chains: Chains): readonly string[] {
  return Object.hasOwn(chains, name) ? (chains[name] ?? []) : [];
}

/** One path segment, so that it differs from `provider/model`. */
const CHAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._:@+-]*$/;
export const CHAIN_NAME_ALLOWED = "letters, digits and . _ : @ + -, beginning with a letter or digit";

export function isChainName(name: string): boolean {
  return CHAIN_NAME.test(name);
}

/** What is wrong with the name of a new chain; undefined if it is fine. */
export function chainNameFault(name: string, taken: Readonly<Record<string, unknown>>): string | undefined {
  if (name === "") return "A chain needs a name.";
  if (Object.hasOwn(taken, name)) return `A chain ${name} already exists.`;
  return isChainName(name) ? undefined : `Only ${CHAIN_NAME_ALLOWED}.`;
}

export type ModelLists = Record<string, string[]>;

/** A position counted from 1, or one step. */
export type Move = "up" | "down" | number;

/** Accepts a name, a position counted from 1, or the unambiguous end of a name. */
export function placeOf(list: readonly string[], asked: string): number | undefined {
  const exact = list.indexOf(asked);
  if (exact >= 0) return exact;
  if (/^[1-9]\d*$/.test(asked)) return Number(asked) <= list.length ? Number(asked) - 1 : undefined;
  const [only, ...others] = list.flatMap((entry, at) => (entry.endsWith(`/${asked}`) ? at : []));
  return others.length === 0 ? only : undefined;
}

/** The target index; undefined if it is out of range. */
export function destinationOf(from: number, move: Move, length: number): number | undefined {
  const to = typeof move === "number" ? move - 1 : from + (move === "up" ? -1 : 1);
  return Number.isInteger(to) && to >= 0 && to < length ? to : undefined;
}

export function moved(list: readonly string[], from: number, to: number): string[] {
  const others = list.toSpliced(from, 1);
  return others.toSpliced(to, 0, ...list.slice(from, from + 1));
}

export function listsNaming(chain: string, lists: ModelLists): string[] {
  return Object.keys(lists).filter((name) => lists[name]?.some((entry) => isChain(entry, chain)) === true);
}

/** Renames a chain in all lists, in both spellings. */
export function withMentions(lists: ModelLists, from: string, to: string): ModelLists {
  const rename = (entry: string): string => {
    if (entry === from) return to;
    return isChain(entry, from) ? `${CHAIN_PROVIDER}/${to}` : entry;
  };
  return Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.map(rename)]));
}

export function withKeyRenamed(lists: ModelLists, from: string, to: string): ModelLists {
  return Object.fromEntries(Object.entries(lists).map(([name, list]) => [name === from ? to : name, list]));
}

function isChain(entry: string, chain: string): boolean {
  return entry === chain || entry === `${CHAIN_PROVIDER}/${chain}`;
}
