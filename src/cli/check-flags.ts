import type { ArgDef, ArgsDef } from "citty";
import { didYouMean, nearest } from "../core/nearest.ts";
import { usageProblem } from "./usage-problem.ts";

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
    if (isInline) throw usageProblem(`${name} is a switch and takes no value.`, path);
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
