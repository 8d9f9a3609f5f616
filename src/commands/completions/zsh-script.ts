import type { Offer } from "../../cli/verb.ts";
import { quotedList, singleQuoted } from "./single-quoted.ts";
import { isEmpty, type TreeVerb, valueFlags } from "./verb-tree.ts";

/** Completions for zsh: as a file `_orouter` in $fpath, or sourced. */
export function zshScript(tree: readonly TreeVerb[]): string {
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
${valueFlags(tree).map(valueCase).join("\n")}
  esac
  case "$at" in
${tree.map(verbCase).join("\n")}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then _describe -o 'option' flags
  elif [[ -n "$files" ]]; then _files
  elif [[ -n "$offers$names" ]]; then _orouter_offer "$offers" "$names"
  elif (( \${#commands} )); then _describe 'command' commands
  else _describe -o 'option' flags; fi
}
if [[ "\${funcstack[1]}" == _orouter ]]; then _orouter "$@"; else compdef _orouter orouter; fi`;
}

function valueCase({ cues, flag }: ReturnType<typeof valueFlags>[number]): string {
  return `    (${cues.map(singleQuoted).join("|")}) ${valueOffer(flag.offer, flag.about)}; return ;;`;
}

function valueOffer(offer: Offer, about: string): string {
  if (offer.files === true) return "_files";
  if (isEmpty(offer)) return `_message ${singleQuoted(about)}`;
  return `_orouter_offer ${quotedList(offer.words)} ${quotedList(offer.names)}`;
}

function verbCase({ path, children, flags, offer }: TreeVerb): string {
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

/** `_describe` parts a word from what it does at the first colon. */
function described(name: string, about: string): string {
  return singleQuoted(`${name.replaceAll(":", "\\:")}:${about}`);
}
