import type { Offer, Verb, VerbArg } from "../../cli/verb.ts";

/** A flag as a shell offers it. */
export interface TreeFlag {
  /** `--json`, and `-j` where it has a short form. */
  names: readonly string[];
  about: string;
  /** What stands for its value in the help; undefined for a switch. */
  value: string | undefined;
  offer: Offer;
}

/** A command as a shell offers it. */
export interface TreeVerb {
  /** The words that call it, `orouter keys add`. */
  path: string;
  children: readonly { name: string; about: string }[];
  flags: readonly TreeFlag[];
  /** For whatever follows: it is not counted which argument comes when. */
  offer: Offer;
}

const HELP: TreeFlag = { names: ["--help", "-h"], about: "This page", value: undefined, offer: {} };

/** All commands, each before those under it. */
export async function verbTree(root: Verb): Promise<TreeVerb[]> {
  return await branch(root, root.name);
}

async function branch(verb: Verb, path: string): Promise<TreeVerb[]> {
  const entries = Object.entries(verb.children);
  const below = await Promise.all(
    entries.map(async ([name, entry]) => await branch(await entry.load(), `${path} ${name}`)),
  );
  const own: TreeVerb = {
    path,
    children: entries.map(([name, { about }]) => ({ name, about })),
    flags: [...Object.entries(verb.args).flatMap(flagOf), HELP],
    offer: offerOf(verb),
  };
  return [own, ...below.flat()];
}

function offerOf({ args, rest }: Verb): Offer {
  const places = Object.values(args).filter((arg) => arg.type === "positional");
  // Where anything may follow, names of files may.
  if (places.length === 0) return { files: rest === true };
  const offers = places.flatMap(({ offers }) => offers ?? []);
  return {
    names: [...new Set(offers.flatMap(({ names }) => names ?? []))],
    words: offers.flatMap(({ words }) => words ?? []),
    files: offers.some(({ files }) => files === true),
  };
}

function flagOf([name, arg]: [string, VerbArg]): TreeFlag[] {
  if (arg.type === "positional") return [];
  const aliases = "alias" in arg ? [arg.alias ?? []].flat() : [];
  const isSwitch = arg.type === "boolean" || arg.type === undefined;
  // What is on by default can only be switched off.
  const long = isSwitch && arg.default === true ? `--no-${name}` : `--${name}`;
  const value = isSwitch ? undefined : (arg.valueHint ?? name.toUpperCase());
  const short = aliases.map((alias) => (alias.length === 1 ? `-${alias}` : `--${alias}`));
  return [
    {
      names: [long, ...short],
      about: arg.description ?? "",
      value,
      offer: arg.type === "enum" ? { words: arg.options ?? [] } : { files: isFile(value), ...arg.offers },
    },
  ];
}

function isFile(value: string | undefined): boolean {
  return value !== undefined && /FILE|PATH|DIR/.test(value);
}

/** Whether a shell has anything to offer. */
export function isEmpty({ names = [], words = [], files = false }: Offer): boolean {
  return names.length + words.length === 0 && !files;
}

/** The flags of all commands that want a value, with the words that come before it. */
export function valueFlags(tree: readonly TreeVerb[]): { cues: string[]; flag: TreeFlag }[] {
  return tree.flatMap(({ path, flags }) =>
    flags
      .filter((flag) => flag.value !== undefined)
      .map((flag) => ({ cues: flag.names.map((name) => `${path} ${name}`), flag })),
  );
}
