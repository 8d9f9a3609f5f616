import { type ArgDef, type ArgsDef, parseArgs, renderUsage } from "citty";
import { nearest } from "../core/nearest.ts";
import { EXIT, Problem } from "../core/problem.ts";
import { out } from "./io.ts";
import { cittyDef, type Verb, type VerbArgs } from "./verb.ts";

/** Finds the command that the words name, checks its arguments and runs it. Returns the exit code. */
export async function runVerb(root: Verb, words: readonly string[]): Promise<number> {
  let verb = root;
  const path = [root.name];
  let rest = [...words];
  while (Object.keys(verb.children).length > 0) {
    const [word] = rest;
    if (word === undefined || word.startsWith("-")) break;
    const entry = Object.hasOwn(verb.children, word) ? verb.children[word] : undefined;
    if (entry === undefined) throw unknownCommand(word, path, verb);
    verb = await entry.load();
    path.push(word);
    rest = rest.slice(1);
  }
  if (asksHelp(rest) || verb.run === undefined) {
    out(await helpText(verb, path));
    return verb.run === undefined && !asksHelp(rest) && rest.length > 0 ? refuse(rest, path) : EXIT.fine;
  }
  return verb.run(parse(verb, path, rest));
}

function refuse(rest: readonly string[], path: readonly string[]): never {
  throw usage(`${path.join(" ")} does not know ${rest[0]}.`, path);
}

/** Help as citty lays it out, with our examples behind it. */
export async function helpText(verb: Verb, path: readonly string[]): Promise<string> {
  const text = await renderUsage(cittyDef(verb, path));
  if (verb.examples.length === 0) return text;
  const width = Math.max(...verb.examples.map((example) => example.line.length));
  const lines = verb.examples.map((example) => `  ${example.line.padEnd(width)}  ${example.does}`);
  return `${text}\nEXAMPLES\n\n${lines.join("\n")}\n`;
}

function asksHelp(words: readonly string[]): boolean {
  const end = words.indexOf("--");
  return (end < 0 ? words : words.slice(0, end)).some((word) => word === "--help" || word === "-h");
}

function parse(verb: Verb, path: readonly string[], words: readonly string[]): VerbArgs {
  checkFlags(verb, path, words);
  let args: VerbArgs;
  try {
    args = parseArgs([...words], verb.args);
  } catch (cause) {
    throw usage(`${(cause as Error).message}.`, path);
  }
  const places = Object.values(verb.args).filter((arg) => arg.type === "positional").length;
  const extra = args._.slice(places);
  if (verb.rest !== true && extra.length > 0)
    throw usage(`${path.join(" ")} takes no ${JSON.stringify(extra[0])}.`, path);
  return args;
}

/** citty swallows flags it does not know; a mistyped one must not pass for done. */
function checkFlags(verb: Verb, path: readonly string[], words: readonly string[]): void {
  const flags = flagsOf(verb.args);
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") return;
    if (!word.startsWith("-") || word === "-") continue;
    const name = word.split("=", 1)[0] ?? word;
    const arg = flags.get(name);
    if (arg === undefined) throw unknownFlag(name, path, flags.keys());
    if (arg.type === "boolean" || word.includes("=")) continue;
    const value = words[at + 1];
    if (value === undefined || value.startsWith("--")) throw usage(`${name} needs a value.`, path);
    at++;
  }
}

function flagsOf(args: ArgsDef): Map<string, ArgDef> {
  const flags = new Map<string, ArgDef>();
  for (const [name, arg] of Object.entries(args)) {
    if (arg.type === "positional") continue;
    flags.set(`--${name}`, arg);
    if (arg.type === "boolean") flags.set(`--no-${name}`, arg);
    const alias = "alias" in arg ? arg.alias : undefined;
    for (const one of [alias ?? []].flat()) flags.set(one.length === 1 ? `-${one}` : `--${one}`, arg);
  }
  return flags;
}

function unknownCommand(word: string, path: readonly string[], verb: Verb): Problem {
  const near = nearest(word, Object.keys(verb.children));
  const hint = near === undefined ? "" : ` Did you mean ${near}?`;
  return usage(`${path.join(" ")} has no command ${JSON.stringify(word)}.${hint}`, path);
}

function unknownFlag(name: string, path: readonly string[], flags: Iterable<string>): Problem {
  const near = nearest(name, flags);
  const hint = near === undefined ? "" : ` Did you mean ${near}?`;
  return usage(`${path.join(" ")} has no flag ${name}.${hint}`, path);
}

function usage(what: string, path: readonly string[]): Problem {
  return new Problem({ code: "usage", what, fix: `See: ${path.join(" ")} --help`, exit: EXIT.usage });
}
