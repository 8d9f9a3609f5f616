import { parseArgs } from "citty";
import { didYouMean, nearest } from "../core/nearest.ts";
import { EXIT, Problem } from "../core/problem.ts";
import { checkFlags } from "./check-flags.ts";
import { helpText, placeName } from "./help-text.ts";
import { out } from "./io.ts";
import { holdsSecret, secretInWords, usageProblem } from "./usage-problem.ts";
import type { Verb, VerbArgs } from "./verb.ts";

/** A command that was found, how it is called, and the words behind it. */
interface FoundVerb {
  verb: Verb;
  path: readonly string[];
  rest: readonly string[];
}

/** Finds the command that the words name, checks its arguments and runs it. Returns the exit code. */
export async function runVerb(root: Verb, words: readonly string[]): Promise<number> {
  const run = await prepare(root, words).catch((problem: unknown) => {
    // A message about a strange word repeats it, and a key in a strange place is exactly that.
    throw problem instanceof Problem && holdsSecret(words) ? secretInWords() : problem;
  });
  return run();
}

async function prepare(root: Verb, words: readonly string[]): Promise<() => Promise<number>> {
  const found = await findVerb(root, helpFirst(root, words));
  const { verb, path, rest } = found;
  const { run } = verb;
  if (asksHelp(rest) || (run === undefined && rest.length === 0)) {
    return async () => {
      out(helpText(verb, path));
      return EXIT.fine;
    };
  }
  const args = parse(found);
  if (run === undefined) throw usageProblem(`${path.join(" ")} needs a command.`, path);
  return () => run(args);
}

/** `orouter help keys add` is `orouter keys add --help` to many. */
function helpFirst(root: Verb, words: readonly string[]): readonly string[] {
  return words[0] === "help" && !Object.hasOwn(root.children, "help") ? [...words.slice(1), "--help"] : words;
}

async function findVerb(root: Verb, words: readonly string[]): Promise<FoundVerb> {
  let verb = root;
  const path = [root.name];
  let rest = words;
  while (Object.keys(verb.children).length > 0) {
    const [word] = rest;
    if (word === undefined || word.startsWith("-")) break;
    const entry = Object.hasOwn(verb.children, word) ? verb.children[word] : undefined;
    if (entry === undefined) throw unknownCommand(word, path, verb);
    verb = await entry.load();
    path.push(word);
    rest = rest.slice(1);
  }
  return { verb, path, rest };
}

function asksHelp(words: readonly string[]): boolean {
  const end = words.indexOf("--");
  return (end < 0 ? words : words.slice(0, end)).some((word) => word === "--help" || word === "-h");
}

function parse({ verb, path, rest }: FoundVerb): VerbArgs {
  checkFlags(verb.args, path, rest);
  // Everything may be left out for citty, so that what is missing is told in our words.
  const loose = Object.entries(verb.args).map(([name, arg]) => [name, { ...arg, required: false }]);
  const args: VerbArgs = parseArgs([...rest], Object.fromEntries(loose));
  const places = Object.entries(verb.args).filter(([, arg]) => arg.type === "positional");
  const missing = places.find(([name, arg]) => isRequired(arg) && args[name] === undefined);
  if (missing !== undefined) throw usageProblem(`${path.join(" ")} needs ${placeName(...missing)}.`, path);
  const extra = args._[places.length];
  if (verb.rest !== true && extra !== undefined) {
    throw usageProblem(`${path.join(" ")} does not take ${JSON.stringify(extra)}.`, path);
  }
  return args;
}

function isRequired(arg: Verb["args"][string]): boolean {
  return !("required" in arg && arg.required === false);
}

function unknownCommand(word: string, path: readonly string[], verb: Verb): Problem {
  const near = nearest(word, Object.keys(verb.children));
  return usageProblem(`${path.join(" ")} has no command ${JSON.stringify(word)}.${didYouMean(near)}`, path);
}
