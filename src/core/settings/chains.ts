import { CHAIN_PROVIDER, parseModelRef } from "../model-ref.ts";

/** Named lists of models; an entry is `provider/model` or the name of another chain. */
export type Chains = Readonly<Record<string, readonly string[]>>;

/** The chain that an entry names, `coding` and `orouter/coding` alike; undefined for a plain model. */
export function chainNamed(entry: string): string | undefined {
  const ref = parseModelRef(entry);
  if (ref === undefined) return entry;
  return ref.provider === CHAIN_PROVIDER ? ref.model : undefined;
}

/** The plain models behind a list of entries, in order, each once, with the chains among them opened up. */
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

/** The way from a chain back to itself, `["a", "b", "a"]`; undefined when there is none. */
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
