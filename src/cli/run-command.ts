import { type ArgDef, parseArgs } from "citty";
import { EXIT, Problem } from "../core/problem.ts";
import { didYouMean, nearest } from "../core/text.ts";
import { isColoured } from "./colour.ts";
import {
  type ArgDefs,
  type ArgsOf,
  type Command,
  type CommandEntry,
  checkFlags,
  holdsSecret,
  secretInWords,
  usageProblem,
} from "./command.ts";
import { outputWidth } from "./table.ts";
import { out } from "./talk.ts";
import { hangingLines } from "./text.ts";

const MARGIN = "  ";
const GAP = "  ";
/** A wider left column leaves too little room for the explanations. */
const WIDE_SHARE = 0.6;

type Line = readonly [left: string, right: string];

type Section = readonly [title: string, lines: readonly Line[]];

interface HelpLook {
  hasColour: boolean;
  width: number;
}

export function helpText(
  command: Command,
  path: readonly string[],
  { hasColour, width }: HelpLook = outputLook(),
): string {
  const heading = (text: string) => (hasColour ? `\x1b[1m${text}\x1b[22m` : text);
  const usage = usageLines(command, path).map((line) => `  ${line}`);
  const parts = helpSections(command).map(([title, lines]) => `${heading(title)}\n${columns(lines, width)}`);
  return [command.about, `${heading("Usage")}\n${usage.join("\n")}`, ...parts].join("\n\n");
}

export function helpSections(command: Command): Section[] {
  const entries = Object.entries(command.args);
  const places = entries.filter(([, arg]) => arg.type === "positional");
  const flags = entries.filter(([, arg]) => arg.type !== "positional");
  const children = Object.entries(command.children);
  const sections: Section[] = [
    ["Commands", children.map(([name, entry]) => [[name, ...(entry.aliases ?? [])].join(", "), entry.about])],
    ["Arguments", places.map(([name, arg]) => [placeName(name, arg), about(arg)])],
    ["Options", [...flags.flatMap(flagLines), ["-h, --help", "Show this page"]]],
    ["Examples", command.examples.map((example) => [example.line, example.does])],
  ];
  return sections.filter(([, lines]) => lines.length > 0);
}

/** A command with subcommands that also runs alone has two usage lines. */
export function usageLines(command: Command, path: readonly string[]): string[] {
  const start = path.join(" ");
  const lines: string[] = [];
  if (command.run !== undefined) {
    const words = Object.entries(command.args).flatMap(([name, arg]) =>
      arg.type === "positional" ? [placeName(name, arg)] : [],
    );
    const hasFlags = Object.values(command.args).some((arg) => arg.type !== "positional");
    const rest = command.rest === true && words.length === 0 ? ["[ARG…]"] : [];
    lines.push([start, ...(hasFlags ? ["[OPTION…]"] : []), ...words, ...rest].join(" "));
  }
  if (Object.keys(command.children).length > 0) lines.push(`${start} COMMAND …`);
  return lines;
}

export function placeName(name: string, arg: ArgDef): string {
  const shown = "valueHint" in arg && arg.valueHint !== undefined ? arg.valueHint : name.toUpperCase();
  const isOptional = "required" in arg && arg.required === false;
  return isOptional ? `[${shown}]` : shown;
}

function flagLines([name, arg]: [string, ArgDef]): Line[] {
  const aliases = "alias" in arg ? [arg.alias ?? []].flat() : [];
  const short = aliases.filter((alias) => alias.length === 1).map((alias) => `-${alias}, `);
  const hint = "valueHint" in arg && arg.type !== "boolean" ? ` ${arg.valueHint ?? name.toUpperCase()}` : "";
  if (arg.type !== "boolean" || arg.default !== true)
    return [[`${short.join("")}--${name}${hint}`, about(arg)]];
  return [[`--no-${name}`, arg.negativeDescription ?? about(arg)]];
}

function about(arg: ArgDef): string {
  return arg.description ?? "";
}

/** Long left parts get their explanation on the next line. */
function columns(lines: readonly Line[], width: number): string {
  const leftWidth = Math.max(...lines.map(([left]) => left.length)) + MARGIN.length + GAP.length;
  const isNarrow =
    leftWidth > width * WIDE_SHARE && lines.some(([, right]) => leftWidth + right.length > width);
  return lines
    .flatMap(([left, right]) => {
      const front = (MARGIN + left).padEnd(leftWidth);
      if (right === "") return front.trimEnd();
      if (isNarrow) return [MARGIN + left, ...hangingLines(MARGIN.repeat(3), right, width)];
      return front.length + right.length <= width ? front + right : hangingLines(front, right, width);
    })
    .join("\n");
}

function outputLook(): HelpLook {
  return { hasColour: isColoured(process.stdout), width: outputWidth() };
}

interface FoundCommand {
  command: Command;
  path: readonly string[];
  rest: readonly string[];
}

export async function runCommand(root: Command, words: readonly string[]): Promise<number> {
  const run = await prepare(root, words).catch((problem: unknown) => {
    // The message about a strange word repeats it, so check for a key first.
    throw problem instanceof Problem && holdsSecret(words) ? secretInWords() : problem;
  });
  return run();
}

async function prepare(root: Command, words: readonly string[]): Promise<() => Promise<number>> {
  const found = await findCommand(root, helpFirst(root, words));
  const { command, path, rest } = found;
  const { run } = command;
  if (asksHelp(rest) || (run === undefined && rest.length === 0)) {
    return async () => {
      out(helpText(command, path));
      return EXIT.fine;
    };
  }
  const args = parse(found);
  if (run === undefined) throw usageProblem(`${path.join(" ")} needs a command.`, path);
  // Safe: `args` was parsed by the definitions that typed `run`.
  return () => run(args as never);
}

/** Many users type `orouter help keys add` for `orouter keys add --help`. */
function helpFirst(root: Command, words: readonly string[]): readonly string[] {
  return words[0] === "help" && !Object.hasOwn(root.children, "help") ? [...words.slice(1), "--help"] : words;
}

async function findCommand(root: Command, words: readonly string[]): Promise<FoundCommand> {
  let command = root;
  const path = [root.name];
  let rest = words;
  while (Object.keys(command.children).length > 0) {
    const [word] = rest;
    if (word === undefined || word.startsWith("-")) break;
    const found = childNamed(word, command);
    if (found === undefined) throw unknownCommand(word, path, command);
    const [name, entry] = found;
    command = await entry.load();
    path.push(name);
    rest = rest.slice(1);
  }
  return { command, path, rest };
}

function childNamed(word: string, { children }: Command): [string, CommandEntry] | undefined {
  return Object.entries(children).find(
    ([name, { aliases }]) => name === word || aliases?.includes(word) === true,
  );
}

function asksHelp(words: readonly string[]): boolean {
  const end = words.indexOf("--");
  return (end < 0 ? words : words.slice(0, end)).some((word) => word === "--help" || word === "-h");
}

function parse({ command, path, rest }: FoundCommand): ArgsOf<ArgDefs> {
  checkFlags(command.args, path, rest);
  // Nothing is required for citty, so that our own message names the missing argument.
  const loose = Object.entries(command.args).map(([name, arg]) => [name, { ...arg, required: false }]);
  const args: ArgsOf<ArgDefs> = parseArgs([...rest], Object.fromEntries(loose));
  const places = Object.entries(command.args).filter(([, arg]) => arg.type === "positional");
  const missing = places.find(([name, arg]) => isRequired(arg) && args[name] === undefined);
  if (missing !== undefined) throw usageProblem(`${path.join(" ")} needs ${placeName(...missing)}.`, path);
  const extra = args._[places.length];
  if (command.rest !== true && extra !== undefined) {
    throw usageProblem(`${path.join(" ")} does not accept ${JSON.stringify(extra)}.`, path);
  }
  return args;
}

function isRequired(arg: Command["args"][string]): boolean {
  return !("required" in arg && arg.required === false);
}

function unknownCommand(word: string, path: readonly string[], command: Command): Problem {
  const near = nearest(word, Object.keys(command.children));
  return usageProblem(`${path.join(" ")} has no command ${JSON.stringify(word)}.${didYouMean(near)}`, path);
}
