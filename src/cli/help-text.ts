import type { ArgDef } from "citty";
import { isColoured } from "./is-coloured.ts";
import { outputWidth } from "./table.ts";
import type { Verb } from "./verb.ts";
import { hangingLines } from "./wrap-text.ts";

const MARGIN = "  ";
const GAP = "  ";
/** A left column that takes more leaves too little for what it is about. */
const WIDE_SHARE = 0.6;

/** Two columns: what to type, and what it does. */
type Line = readonly [left: string, right: string];

/** A part of a help page. */
type Section = readonly [title: string, lines: readonly Line[]];

/** How a help page may look. */
interface HelpLook {
  hasColour: boolean;
  width: number;
}

/** The help page of a command. */
export function helpText(
  verb: Verb,
  path: readonly string[],
  { hasColour, width }: HelpLook = outputLook(),
): string {
  const heading = (text: string) => (hasColour ? `\x1b[1m${text}\x1b[22m` : text);
  const usage = usageLines(verb, path).map((line) => `  ${line}`);
  const parts = helpSections(verb).map(([title, lines]) => `${heading(title)}\n${columns(lines, width)}`);
  return [`${verb.about}.`, `${heading("Usage")}\n${usage.join("\n")}`, ...parts].join("\n\n");
}

/** What a help page lists, without the parts that this command has nothing for. */
export function helpSections(verb: Verb): Section[] {
  const entries = Object.entries(verb.args);
  const places = entries.filter(([, arg]) => arg.type === "positional");
  const flags = entries.filter(([, arg]) => arg.type !== "positional");
  const children = Object.entries(verb.children);
  const sections: Section[] = [
    ["Commands", children.map(([name, entry]) => [name, entry.about])],
    ["Arguments", places.map(([name, arg]) => [placeName(name, arg), about(arg)])],
    ["Options", [...flags.flatMap(flagLines), ["-h, --help", "This page"]]],
    ["Examples", verb.examples.map((example) => [example.line, example.does])],
  ];
  return sections.filter(([, lines]) => lines.length > 0);
}

/** A command on its own and with those under it are two ways to call it. */
export function usageLines(verb: Verb, path: readonly string[]): string[] {
  const start = path.join(" ");
  const lines: string[] = [];
  if (verb.run !== undefined) {
    const words = Object.entries(verb.args).flatMap(([name, arg]) =>
      arg.type === "positional" ? [placeName(name, arg)] : [],
    );
    const hasFlags = Object.values(verb.args).some((arg) => arg.type !== "positional");
    const rest = verb.rest === true && words.length === 0 ? ["[ARG…]"] : [];
    lines.push([start, ...(hasFlags ? ["[OPTION…]"] : []), ...words, ...rest].join(" "));
  }
  if (Object.keys(verb.children).length > 0) lines.push(`${start} COMMAND …`);
  return lines;
}

/** What an argument is called in help and messages. */
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

/** As two columns where there is room; what is long is explained below itself. */
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
