import type { Offer } from "../../cli/verb.ts";
import { quotedList, singleQuoted } from "./single-quoted.ts";
import { isEmpty, type TreeVerb, valueFlags } from "./verb-tree.ts";

/** Completions for bash, the 3.2 of macOS included, without the package bash-completion. */
export function bashScript(tree: readonly TreeVerb[]): string {
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
${valueFlags(tree).map(valueCase).join("\n")}
  esac
  case "$at" in
${tree.map(verbCase).join("\n")}
  esac
  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  elif [[ -n $files ]]; then _orouter_files "$cur"
  elif [[ -n $offers$names ]]; then _orouter_offer "$cur" "$offers" "$names"
  else COMPREPLY=($(compgen -W "\${commands:-$flags}" -- "$cur")); fi
}
complete -F _orouter orouter`;
}

function valueCase({ cues, flag }: ReturnType<typeof valueFlags>[number]): string {
  return `    ${cues.map(singleQuoted).join("|")}) ${valueOffer(flag.offer)}return ;;`;
}

function valueOffer(offer: Offer): string {
  if (offer.files === true) return '_orouter_files "$cur"; ';
  return isEmpty(offer)
    ? ""
    : `_orouter_offer "$cur" ${quotedList(offer.words)} ${quotedList(offer.names)}; `;
}

function verbCase({ path, children, flags, offer }: TreeVerb): string {
  // The short forms are for those who know them.
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
