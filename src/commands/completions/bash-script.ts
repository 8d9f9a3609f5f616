import { singleQuoted } from "./single-quoted.ts";
import { isFile, type TreeVerb, valueFlags } from "./verb-tree.ts";

/** Completions for bash, the 3.2 of macOS included, without the package bash-completion. */
export function bashScript(tree: readonly TreeVerb[]): string {
  const below = tree.slice(1).map(({ path }) => singleQuoted(path));
  return `# bash completions of orouter: source this file, or put it where bash looks for completions.
_orouter_files() {
  # Only newer ones can leave it to readline, which also minds blanks and slashes.
  if type compopt >/dev/null 2>&1; then compopt -o default 2>/dev/null
  else local IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$1")); fi
}
_orouter() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" at=orouter i
  local commands="" flags="" files=""
  COMPREPLY=()
  # bash takes --flag=value apart at the sign.
  if [[ $cur == "=" ]]; then cur=""
  elif [[ $prev == "=" ]]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${below.join("|")}) at="$at \${COMP_WORDS[i]}" ;;
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
  else COMPREPLY=($(compgen -W "\${commands:-$flags}" -- "$cur")); fi
}
complete -F _orouter orouter`;
}

function valueCase({ cues, flag }: ReturnType<typeof valueFlags>[number]): string {
  const pattern = cues.map(singleQuoted).join("|");
  if (isFile(flag)) return `    ${pattern}) _orouter_files "$cur"; return ;;`;
  if (flag.choices.length === 0) return `    ${pattern}) return ;;`;
  const choices = singleQuoted(flag.choices.join(" "));
  return `    ${pattern}) COMPREPLY=($(compgen -W ${choices} -- "$cur")); return ;;`;
}

function verbCase({ path, children, flags, takesFiles }: TreeVerb): string {
  const commands = children.map(({ name }) => name).join(" ");
  // The short forms are for those who know them.
  const long = flags.flatMap(({ names }) => names.filter((name) => name.startsWith("--"))).join(" ");
  return `    ${singleQuoted(path)}) commands=${singleQuoted(commands)} flags=${singleQuoted(long)}${takesFiles ? " files=1" : ""} ;;`;
}
