export type ShellCommand = readonly [program: string, ...words: string[]];

/** Leaves out comments, variables before a command, and redirections. */
export function shellCommands(text: string): ShellCommand[] {
  return text
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .flatMap((line) => line.replace(/(?:^|\s)#\s.*$/, "").split(/\s*(?:&&|\|\||\$\(|[|;])\s*|\s&(?=\s|$)/))
    .flatMap((piece): ShellCommand[] => {
      const [program, ...words] = wordsOf(piece.replace(/^\s*(?:export\s+)?(?:\w+=(?:"[^"]*"|\S*)\s+)*/, ""));
      return program === undefined ? [] : [[program, ...words]];
    });
}

function wordsOf(line: string): string[] {
  const [own = ""] = line.split(/\s\d?[<>]/);
  return [...own.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? "",
  );
}
