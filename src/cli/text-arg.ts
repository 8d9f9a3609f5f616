import type { VerbArgs } from "./verb.ts";

/** The text of an argument; undefined when it was left out. */
export function textArg(args: VerbArgs, name: string): string | undefined {
  const value = args[name];
  return typeof value === "string" ? value : undefined;
}
