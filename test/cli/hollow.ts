import type { Command } from "../../src/cli/command.ts";

/** The same commands without their actions: only the parsing of arguments is left. */
export function hollow(command: Command, called: string[], path: readonly string[]): Command {
  const run = async (): Promise<number> => {
    called.push(path.join(" "));
    return 0;
  };
  const children = Object.entries(command.children).map(([name, entry]) => {
    const load = async () => hollow(await entry.load(), called, [...path, name]);
    return [name, { ...entry, load }] as const;
  });
  return { ...command, run, children: Object.fromEntries(children) };
}

/** Splits a line as a shell would, up to a pipe or a redirection. */
export function wordsOf(line: string): string[] {
  const [own = ""] = line.split(/ [|<>]/);
  return [...own.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? "",
  );
}
