import type { ArgDef, ArgsDef } from "citty";
import { EXIT, Problem } from "../core/problem.ts";
import { redact } from "../core/scrub.ts";
import { didYouMean, nearest } from "../core/text.ts";

/** A command line and what it does. Tests run them. */
export interface Example {
  line: string;
  does: string;
}

/**
 * Names that come from the user's files; `picks` are the models opencode accepts: models, and chains as `orouter/…`.
 */
export const NAME_KINDS = ["keys", "providers", "models", "chains", "picks", "settings"] as const;
export type NameKind = (typeof NAME_KINDS)[number];

export interface Offer {
  names?: readonly NameKind[];
  words?: readonly string[];
  /** For positional arguments only; a flag takes files if its value is called so in the help. */
  files?: boolean;
}

/** An argument as citty knows it, and its completions. */
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
 * Arguments beyond the named ones are under `_`. citty's own `ParsedArgs` accepts any name and ignores that a flag may
 * be absent.
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
  rest?: boolean;
}

export interface Command extends Omit<CommandParts<ArgDefs>, "run"> {
  /** `never`, because only `defineCommand` knows the type of the arguments. */
  run: ((args: never) => Promise<number>) | undefined;
}

/** Ties the arguments that `run` receives to the definitions in `args`. */
export function defineCommand<const Defs extends ArgDefs>(command: CommandParts<Defs>): Command {
  return command;
}

export interface CommandEntry {
  about: string;
  /** Other names that users try out of habit. */
  aliases?: readonly string[];
  load: () => Promise<Command>;
}

/** Fingerprints have twelve digits and names are words, so a longer mixed run may be a key. */
const MIXED_RUN = /[A-Za-z0-9+=]{16,}/g;
const UUID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/i;

/** A word that may be a key must not be repeated in any message. */
export function looksLikeSecret(word: string): boolean {
  if (redact(word, []) !== word || UUID.test(word)) return true;
  // Each part of a path or an address is checked separately.
  const parts = word.includes("/") ? word.split("/") : [word];
  return parts.some((part) =>
    [...part.matchAll(MIXED_RUN)].some(([run]) => /\d/.test(run) && /[A-Za-z]/.test(run)),
  );
}

/** For a call with wrong arguments; names the help page. */
export function usageProblem(what: string, path: readonly string[]): Problem {
  return new Problem({ code: "usage", what, fix: `See: ${path.join(" ")} --help`, exit: EXIT.usage });
}

/** For a call with wrong arguments whose fix is known. */
export function usageFault(what: string, fix: string): Problem {
  return new Problem({ code: "usage", what, fix, exit: EXIT.usage });
}

/** For a key among the arguments; never repeats it. */
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

/** Also checks the value after `=`. */
export function holdsSecret(words: readonly string[]): boolean {
  return words.some((word) => word.split("=").some(looksLikeSecret) || looksLikeSecret(word));
}

const EVERYWHERE = ["--help"];

/** citty ignores unknown flags, but a typo must not pass silently. */
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
    // Only a switch that is on by default can be turned off.
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

/** Undefined if the flag is absent. */
export function portArg(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= MAX_PORT) return port;
  throw usageFault(`--port ${text} is not a port.`, `Use a number from 0 (a free one) to ${MAX_PORT}.`);
}
