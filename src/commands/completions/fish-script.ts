import { isFile, type TreeFlag, type TreeVerb } from "./verb-tree.ts";

/** Completions for fish. */
export function fishScript(tree: readonly TreeVerb[]): string {
  const below = tree.slice(1).map(({ path }) => quoted(path));
  return `# fish completions of orouter.
function __orouter_at
    set -l at orouter
    set -l tokens (commandline -opc)
    set -e tokens[1]
    for token in $tokens
        if contains -- "$at $token" ${below.join(" ")}
            set at "$at $token"
        else
            break
        end
    end
    test "$at" = "$argv[1]"
end
complete -c orouter -e
complete -c orouter -f
${tree.flatMap(verbLines).join("\n")}`;
}

function verbLines({ path, children, flags, takesFiles }: TreeVerb): string[] {
  const start = `complete -c orouter -n ${quoted(`__orouter_at ${quoted(path)}`)}`;
  return [
    ...(takesFiles ? [`${start} -F`] : []),
    ...children.map(({ name, about }) => `${start} -a ${quoted(name)} -d ${quoted(about)}`),
    ...flags.map((flag) => `${start} ${flagWords(flag)}`),
  ];
}

function flagWords(flag: TreeFlag): string {
  const names = flag.names.map((name) =>
    name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
  );
  return [...names, ...valueWords(flag), `-d ${quoted(flag.about)}`].join(" ");
}

/** -x: a value that is no file; -r -F: a value that is one. */
function valueWords(flag: TreeFlag): string[] {
  if (flag.value === undefined) return [];
  if (isFile(flag)) return ["-r", "-F"];
  return flag.choices.length === 0 ? ["-x"] : ["-x", `-a ${quoted(flag.choices.join(" "))}`];
}

/** Inside fish's single quotes only the quote and the backslash mean something. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
