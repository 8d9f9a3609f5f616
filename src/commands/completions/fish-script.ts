import type { Offer } from "../../cli/verb.ts";
import type { TreeFlag, TreeVerb } from "./verb-tree.ts";

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

function verbLines({ path, children, flags, offer }: TreeVerb): string[] {
  const start = `complete -c orouter -n ${quoted(`__orouter_at ${quoted(path)}`)}`;
  return [
    ...offerWords(offer).map((words) => `${start} ${words}`),
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

/** -x: a value that is no file; -r: one that may be. */
function valueWords({ value, offer }: TreeFlag): string[] {
  if (value === undefined) return [];
  return [offer.files === true ? "-r" : "-x", ...offerWords(offer)];
}

/** Names that only orouter knows are asked of it when they are wanted. */
function offerWords({ names = [], words = [], files = false }: Offer): string[] {
  const asked =
    names.length === 0 ? [] : [`(command orouter completions names ${names.join(" ")} 2>/dev/null)`];
  const all = [...words, ...asked];
  return [...(files ? ["-F"] : []), ...(all.length === 0 ? [] : [`-a ${quoted(all.join(" "))}`])];
}

/** Inside fish's single quotes only the quote and the backslash mean something. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
