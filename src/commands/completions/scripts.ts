import type { Command, CommandArg, Offer } from "../../cli/command.ts";

export interface TreeFlag {
  /** `--json`, and `-j` where it has a short form. */
  names: readonly string[];
  about: string;
  /** The placeholder of the value in the help; undefined for a switch. */
  value: string | undefined;
  offer: Offer;
}

export interface TreeCommand {
  /** The full command, such as `orouter keys add`. */
  path: string;
  children: readonly { name: string; about: string }[];
  flags: readonly TreeFlag[];
  /** Offered for every argument: their order is not tracked. */
  offer: Offer;
}

const HELP: TreeFlag = { names: ["--help", "-h"], about: "Show this page", value: undefined, offer: {} };

export async function commandTree(root: Command): Promise<TreeCommand[]> {
  return await branch(root, root.name);
}

async function branch(command: Command, path: string): Promise<TreeCommand[]> {
  const entries = Object.entries(command.children);
  const below = await Promise.all(
    entries.map(async ([name, entry]) => await branch(await entry.load(), `${path} ${name}`)),
  );
  const own: TreeCommand = {
    path,
    children: entries.map(([name, { about }]) => ({ name, about })),
    flags: [...Object.entries(command.args).flatMap(flagOf), HELP],
    offer: offerOf(command),
  };
  return [own, ...below.flat()];
}

function offerOf({ args, rest }: Command): Offer {
  const places = Object.values(args).filter((arg) => arg.type === "positional");
  // A command that takes arbitrary words may take file names.
  if (places.length === 0) return { files: rest === true };
  const offers = places.flatMap(({ offers }) => offers ?? []);
  return {
    names: [...new Set(offers.flatMap(({ names }) => names ?? []))],
    words: offers.flatMap(({ words }) => words ?? []),
    files: offers.some(({ files }) => files === true),
  };
}

function flagOf([name, arg]: [string, CommandArg]): TreeFlag[] {
  if (arg.type === "positional") return [];
  const aliases = "alias" in arg ? [arg.alias ?? []].flat() : [];
  const isSwitch = arg.type === "boolean" || arg.type === undefined;
  // A switch that is on by default can only be turned off.
  const long = isSwitch && arg.default === true ? `--no-${name}` : `--${name}`;
  const value = isSwitch ? undefined : (arg.valueHint ?? name.toUpperCase());
  const short = aliases.map((alias) => (alias.length === 1 ? `-${alias}` : `--${alias}`));
  return [
    {
      names: [long, ...short],
      about: arg.description ?? "",
      value,
      offer: arg.type === "enum" ? { words: arg.options ?? [] } : { files: isFile(value), ...arg.offers },
    },
  ];
}

function isFile(value: string | undefined): boolean {
  return value !== undefined && /FILE|PATH|DIR/.test(value);
}

export function isEmpty({ names = [], words = [], files = false }: Offer): boolean {
  return names.length + words.length === 0 && !files;
}

export function valueFlags(tree: readonly TreeCommand[]): { cues: string[]; flag: TreeFlag }[] {
  return tree.flatMap(({ path, flags }) =>
    flags
      .filter((flag) => flag.value !== undefined)
      .map((flag) => ({ cues: flag.names.map((name) => `${path} ${name}`), flag })),
  );
}

/** Quotes any text as one word of bash or zsh. */
export function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function quotedList(words: readonly string[] = []): string {
  return singleQuoted(words.join(" "));
}

/** Works with bash 3.2 (macOS) and without the package bash-completion. */
export function bashScript(tree: readonly TreeCommand[]): string {
  const below = tree.slice(1).map(({ path }) => singleQuoted(path));
  return `# bash completions of orouter: source this file, or put it where bash looks for completions.
_orouter_files() {
  # Only newer ones can leave it to readline, which also minds blanks and slashes.
  if type compopt >/dev/null 2>&1; then compopt -o default 2>/dev/null
  else local IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$1")); fi
}
_orouter_offer() {
  # $1: what is typed, $2: words, $3: kinds of names that only orouter knows.
  local words="$2" typed="" i
  if [[ -n $3 ]]; then words="$words $(command orouter completions names $3 2>/dev/null)"; fi
  COMPREPLY=($(compgen -W "$words" -- "$1"))
  # What stands before the last colon readline takes for a word of its own, and keeps.
  if [[ $1 == *:* && $COMP_WORDBREAKS == *:* ]]; then
    typed="\${1%"\${1##*:}"}"
    for i in "\${!COMPREPLY[@]}"; do COMPREPLY[i]="\${COMPREPLY[i]#"$typed"}"; done
  fi
}
_orouter() {
  local words=() word glue="" cur prev at=orouter i last
  local commands="" flags="" files="" offers="" names=""
  COMPREPLY=()
  # bash takes names apart at their colons.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [[ (-n $glue || $word == :*) && -n $word && $i -gt 0 ]]; then words[last]="\${words[last]}$word"
    else words+=("$word"); last=$((\${#words[@]} - 1)); fi
    if [[ $word == *: ]]; then glue=1; else glue=""; fi
  done
  cur="\${words[last]}" prev="\${words[last-1]}"
  # And --flag=value at the sign.
  if [[ $cur == "=" ]]; then cur=""
  elif [[ $prev == "=" ]]; then prev="\${words[last-2]}"; fi
  for ((i = 1; i < last; i++)); do
    case "$at \${words[i]}" in
      ${below.join("|")}) at="$at \${words[i]}" ;;
      *) break ;;
    esac
  done
  case "$at $prev" in
${valueFlags(tree).map(bashValueCase).join("\n")}
  esac
  case "$at" in
${tree.map(bashVerbCase).join("\n")}
  esac
  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  elif [[ -n $files ]]; then _orouter_files "$cur"
  elif [[ -n $offers$names ]]; then _orouter_offer "$cur" "$offers" "$names"
  else COMPREPLY=($(compgen -W "\${commands:-$flags}" -- "$cur")); fi
}
complete -F _orouter orouter`;
}

function bashValueCase({ cues, flag }: ReturnType<typeof valueFlags>[number]): string {
  return `    ${cues.map(singleQuoted).join("|")}) ${bashValueOffer(flag.offer)}return ;;`;
}

function bashValueOffer(offer: Offer): string {
  if (offer.files === true) return '_orouter_files "$cur"; ';
  return isEmpty(offer)
    ? ""
    : `_orouter_offer "$cur" ${quotedList(offer.words)} ${quotedList(offer.names)}; `;
}

function bashVerbCase({ path, children, flags, offer }: TreeCommand): string {
  const long = flags.flatMap(({ names }) => names.filter((name) => name.startsWith("--")));
  const parts = [
    `commands=${quotedList(children.map(({ name }) => name))}`,
    `flags=${quotedList(long)}`,
    `offers=${quotedList(offer.words)}`,
    `names=${quotedList(offer.names)}`,
    ...(offer.files === true ? ["files=1"] : []),
  ];
  return `    ${singleQuoted(path)}) ${parts.join(" ")} ;;`;
}

export function fishScript(tree: readonly TreeCommand[]): string {
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

function verbLines({ path, children, flags, offer }: TreeCommand): string[] {
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

/** -x: the value is not a file; -r: it may be one. */
function valueWords({ value, offer }: TreeFlag): string[] {
  if (value === undefined) return [];
  return [offer.files === true ? "-r" : "-x", ...offerWords(offer)];
}

/** Names that change at run time come from `orouter completions names`. */
function offerWords({ names = [], words = [], files = false }: Offer): string[] {
  const asked =
    names.length === 0 ? [] : [`(command orouter completions names ${names.join(" ")} 2>/dev/null)`];
  const all = [...words, ...asked];
  return [...(files ? ["-F"] : []), ...(all.length === 0 ? [] : [`-a ${quoted(all.join(" "))}`])];
}

/** In fish's single quotes only the quote and the backslash are special. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** Works as a file `_orouter` in $fpath, or sourced. */
export function zshScript(tree: readonly TreeCommand[]): string {
  const below = tree.slice(1).map(({ path }) => singleQuoted(path));
  return `#compdef orouter
_orouter_offer() {
  # $1: words, $2: kinds of names that only orouter knows.
  local -a offers
  offers=(\${=1})
  if [[ -n "$2" ]]; then offers+=(\${(f)"$(command orouter completions names \${=2} 2>/dev/null)"}); fi
  compadd -- $offers
}
_orouter() {
  local at=orouter i files="" offers="" names=""
  local -a commands flags
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
      (${below.join("|")}) at="$at \${words[i]}" ;;
      (*) break ;;
    esac
  done
  case "$at \${words[CURRENT-1]}" in
${valueFlags(tree).map(zshValueCase).join("\n")}
  esac
  case "$at" in
${tree.map(zshVerbCase).join("\n")}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then _describe -o 'option' flags
  elif [[ -n "$files" ]]; then _files
  elif [[ -n "$offers$names" ]]; then _orouter_offer "$offers" "$names"
  elif (( \${#commands} )); then _describe 'command' commands
  else _describe -o 'option' flags; fi
}
if [[ "\${funcstack[1]}" == _orouter ]]; then _orouter "$@"; else compdef _orouter orouter; fi`;
}

function zshValueCase({ cues, flag }: ReturnType<typeof valueFlags>[number]): string {
  return `    (${cues.map(singleQuoted).join("|")}) ${zshValueOffer(flag.offer, flag.about)}; return ;;`;
}

function zshValueOffer(offer: Offer, about: string): string {
  if (offer.files === true) return "_files";
  if (isEmpty(offer)) return `_message ${singleQuoted(about)}`;
  return `_orouter_offer ${quotedList(offer.words)} ${quotedList(offer.names)}`;
}

function zshVerbCase({ path, children, flags, offer }: TreeCommand): string {
  const commands = children.map(({ name, about }) => described(name, about)).join(" ");
  const options = flags.flatMap(({ names, about }) => names.map((name) => described(name, about))).join(" ");
  const parts = [
    `commands=(${commands})`,
    `flags=(${options})`,
    `offers=${quotedList(offer.words)}`,
    `names=${quotedList(offer.names)}`,
    ...(offer.files === true ? ["files=1"] : []),
  ];
  return `    (${singleQuoted(path)}) ${parts.join(" ")} ;;`;
}

/** `_describe` splits a word from its description at the first colon. */
function described(name: string, about: string): string {
  return singleQuoted(`${name.replaceAll(":", "\\:")}:${about}`);
}
