import type { ArgDef } from "citty";
import type { Verb } from "../../cli/verb.ts";

/** A flag as a shell offers it. */
export interface TreeFlag {
  /** `--json`, and `-j` where it has a short form. */
  names: readonly string[];
  about: string;
  /** What stands for its value in the help; undefined for a switch. */
  value: string | undefined;
  choices: readonly string[];
}

/** A command as a shell offers it. */
export interface TreeVerb {
  /** The words that call it, `orouter keys add`. */
  path: string;
  children: readonly { name: string; about: string }[];
  flags: readonly TreeFlag[];
  /** Whether anything may follow, file names too. */
  takesFiles: boolean;
}

const HELP: TreeFlag = { names: ["--help", "-h"], about: "This page", value: undefined, choices: [] };

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
    takesFiles: verb.rest === true && Object.values(verb.args).every((arg) => arg.type !== "positional"),
  };
  return [own, ...below.flat()];
}

function flagOf([name, arg]: [string, ArgDef]): TreeFlag[] {
  if (arg.type === "positional") return [];
  const aliases = "alias" in arg ? [arg.alias ?? []].flat() : [];
  const isSwitch = arg.type === "boolean" || arg.type === undefined;
  // What is on by default can only be switched off.
  const long = isSwitch && arg.default === true ? `--no-${name}` : `--${name}`;
  const short = aliases.map((alias) => (alias.length === 1 ? `-${alias}` : `--${alias}`));
  return [
    {
      names: [long, ...short],
      about: arg.description ?? "",
      value: isSwitch ? undefined : (arg.valueHint ?? name.toUpperCase()),
      choices: arg.type === "enum" ? (arg.options ?? []) : [],
    },
  ];
}

/** Whether a flag's value is the name of a file. */
export function isFile(flag: TreeFlag): boolean {
  return flag.value !== undefined && /FILE|PATH|DIR/.test(flag.value);
}

/** The flags of all commands that want a value, with the words that come before it. */
export function valueFlags(tree: readonly TreeVerb[]): { cues: string[]; flag: TreeFlag }[] {
  return tree.flatMap(({ path, flags }) =>
    flags
      .filter((flag) => flag.value !== undefined)
      .map((flag) => ({ cues: flag.names.map((name) => `${path} ${name}`), flag })),
  );
}
