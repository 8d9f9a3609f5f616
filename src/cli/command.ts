import type { ArgDef, ArgsDef } from "citty";
import { EXIT, Problem } from "../core/problem.ts";
import { redact } from "../core/scrub.ts";
import { didYouMean, nearest } from "../core/text.ts";

/** A line to try, and what it does. Tests run them. */
export interface Example {
  line: string;
  does: string;
}

/** Names that only the user's files tell; `picks` are what opencode takes for a model: models, and chains as `orouter/…`. */
export const NAME_KINDS = ["keys", "providers", "models", "chains", "picks", "settings"] as const;
export type NameKind = (typeof NAME_KINDS)[number];

/** What a shell offers where a value is to be typed. */
export interface Offer {
  names?: readonly NameKind[];
  words?: readonly string[];
  /** Of files only those of arguments: a flag's are known by what its help calls its value. */
  files?: boolean;
}

/** An argument as citty knows it, and what a shell offers for it. */
export type CommandArg = ArgDef & { offers?: Offer };

export type ArgDefs = Record<string, CommandArg>;

type CamelCase<Name> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

type ArgValue<Def> = Def extends { type: "boolean" }
  ? boolean | undefined
  : Def extends { type: "positional"; required?: true }
    ? string
    : string | undefined;

/**
 * The parsed arguments of a command; further words are under `_`. citty's own `ParsedArgs` accepts any name and loses
 * that a flag may be left out.
 */
export type ArgsOf<Defs extends ArgDefs> = { readonly _: readonly string[] } & {
  readonly [Name in keyof Defs as CamelCase<Name>]: ArgValue<Defs[Name]>;
};

interface CommandParts<Defs extends ArgDefs> {
  name: string;
  about: string;
  examples: readonly Example[];
  args: Defs;
  /** Undefined for a command that only groups others. */
  run: ((args: ArgsOf<Defs>) => Promise<number>) | undefined;
  /** Loaded when called, so that no command pays for another. */
  children: Record<string, CommandEntry>;
  /** Accept more words than the positional arguments name. */
  rest?: boolean;
}

/** A command as users meet it: what citty parses, with examples for its help. */
export interface Command extends Omit<CommandParts<ArgDefs>, "run"> {
  /** Only `defineCommand` knows the type of the arguments; the parser makes them by `args`. */
  run: ((args: never) => Promise<number>) | undefined;
}

/** Ties the arguments that `run` receives to the definitions in `args`. */
export function defineCommand<const Defs extends ArgDefs>(command: CommandParts<Defs>): Command {
  return command;
}

/** A command in its parent's list: its line of help is there without loading it. */
export interface CommandEntry {
  about: string;
  /** Other names that people try out of habit. */
  aliases?: readonly string[];
  load: () => Promise<Command>;
}

/** Fingerprints have twelve digits and names are words: a mixed run this long is neither. */
const MIXED_RUN = /[A-Za-z0-9+=]{16,}/g;
const UUID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/i;

/** Whether a word may be a key: then it must not be repeated, wherever it was typed. */
export function looksLikeSecret(word: string): boolean {
  if (redact(word, []) !== word || UUID.test(word)) return true;
  // Each part of a path or an address is checked on its own.
  const parts = word.includes("/") ? word.split("/") : [word];
  return parts.some((part) =>
    [...part.matchAll(MIXED_RUN)].some(([run]) => /\d/.test(run) && /[A-Za-z]/.test(run)),
  );
}

/** A command called in a way it does not know; the help page is named. */
export function usageProblem(what: string, path: readonly string[]): Problem {
  return new Problem({ code: "usage", what, fix: `See: ${path.join(" ")} --help`, exit: EXIT.usage });
}

/** The same where it can be said what to do instead. */
export function usageFault(what: string, fix: string): Problem {
  return new Problem({ code: "usage", what, fix, exit: EXIT.usage });
}

/** A key among the arguments; the message never repeats it. */
export function secretInWords(): Problem {
  return new Problem({
    code: "secret-in-arguments",
    what: "A key cannot be an argument: it would stay in your shell's history and in the process list.",
    fix: [
      "Type it at a prompt:      orouter keys add PROVIDER",
      "or pipe it, one per line: orouter keys add PROVIDER --stdin < FILE",
      "or name a variable:       orouter keys add PROVIDER --env NAME",
      "If this was a real key, delete that line from your history.",
    ].join("\n"),
    exit: EXIT.usage,
  });
}

/** Whether one of the words, or the value behind its `=`, may be a key. */
export function holdsSecret(words: readonly string[]): boolean {
  return words.some((word) => word.split("=").some(looksLikeSecret) || looksLikeSecret(word));
}

/** What every command knows without saying so. */
const EVERYWHERE = ["--help"];

/** citty swallows flags it does not know; a mistyped one must not pass for done. */
export function checkFlags(args: ArgsDef, path: readonly string[], words: readonly string[]): void {
  const flags = flagsOf(args);
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") return;
    if (!word.startsWith("-") || word === "-") continue;
    const [name = word] = word.split("=", 1);
    const arg = flags.get(name);
    if (arg === undefined) throw unknownFlag(name, path, [...flags.keys(), ...EVERYWHERE]);
    const inline = word.includes("=") ? word.slice(name.length + 1) : undefined;
    checkValue({ name, arg, value: inline ?? words[at + 1], isInline: inline !== undefined }, path);
    if (arg.type !== "boolean" && inline === undefined) at++;
  }
}

interface GivenFlag {
  name: string;
  arg: ArgDef;
  value: string | undefined;
  /** Written as `--name=value`. */
  isInline: boolean;
}

function checkValue({ name, arg, value, isInline }: GivenFlag, path: readonly string[]): void {
  if (arg.type === "boolean") {
    if (isInline) throw usageProblem(`${name} takes no value.`, path);
    return;
  }
  if (value === undefined || value === "" || (!isInline && value.startsWith("--"))) {
    throw usageProblem(`${name} needs a value.`, path);
  }
  if (arg.type === "enum" && arg.options?.includes(value) === false) {
    throw usageProblem(`${name} is one of ${arg.options.join(", ")}.`, path);
  }
}

function flagsOf(args: ArgsDef): Map<string, ArgDef> {
  const flags = new Map<string, ArgDef>();
  for (const [name, arg] of Object.entries(args)) {
    if (arg.type === "positional") continue;
    flags.set(`--${name}`, arg);
    // Only what is on by default can be switched off.
    if (arg.type === "boolean" && arg.default === true) flags.set(`--no-${name}`, arg);
    const alias = "alias" in arg ? arg.alias : undefined;
    for (const one of [alias ?? []].flat()) flags.set(one.length === 1 ? `-${one}` : `--${one}`, arg);
  }
  return flags;
}

function unknownFlag(name: string, path: readonly string[], flags: readonly string[]): Error {
  const near = nearest(name, flags);
  return usageProblem(`${path.join(" ")} has no flag ${name}.${didYouMean(near)}`, path);
}

const MAX_PORT = 65_535;

/** A port as `--port` names it; undefined where it was left out. */
export function portArg(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= MAX_PORT) return port;
  throw usageFault(`--port ${text} is not a port.`, `Use a number from 0 (a free one) to ${MAX_PORT}.`);
}
