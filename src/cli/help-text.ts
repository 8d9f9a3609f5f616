import type { ArgDef } from "citty";
import { isColoured } from "./is-coloured.ts";
import type { Verb } from "./verb.ts";

/** Two columns: what to type, and what it does. */
type Line = readonly [left: string, right: string];

/** The help page of a command. */
export function helpText(
  verb: Verb,
  path: readonly string[],
  hasColour = isColoured(process.stdout),
): string {
  const heading = (text: string) => (hasColour ? `\x1b[1m${text}\x1b[22m` : text);
  const entries = Object.entries(verb.args);
  const places = entries.filter(([, arg]) => arg.type === "positional");
  const flags = entries.filter(([, arg]) => arg.type !== "positional");
  const children = Object.entries(verb.children);
  const sections: [string, Line[]][] = [
    ["Commands", children.map(([name, entry]) => [name, entry.about])],
    ["Arguments", places.map(([name, arg]) => [placeName(name, arg), about(arg)])],
    ["Options", [...flags.flatMap(flagLines), ["-h, --help", "This page"]]],
    ["Examples", verb.examples.map((example) => [example.line, example.does])],
  ];
  const parts = sections
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => `${heading(title)}\n${columns(lines)}`);
  return [`${verb.about}.`, `${heading("Usage")}\n${usageLines(verb, path)}`, ...parts].join("\n\n");
}

/** A command on its own and with those under it are two ways to call it. */
function usageLines(verb: Verb, path: readonly string[]): string {
  const start = `  ${path.join(" ")}`;
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
  return lines.join("\n");
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

function columns(lines: readonly Line[]): string {
  const width = Math.max(...lines.map(([left]) => left.length));
  return lines.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd()).join("\n");
}
