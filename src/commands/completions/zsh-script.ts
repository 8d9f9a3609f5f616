import { singleQuoted } from "./single-quoted.ts";
import { isFile, type TreeVerb, valueFlags } from "./verb-tree.ts";

/** Completions for zsh: as a file `_orouter` in $fpath, or sourced. */
export function zshScript(tree: readonly TreeVerb[]): string {
  const below = tree.slice(1).map(({ path }) => singleQuoted(path));
  return `#compdef orouter
_orouter() {
  local at=orouter i files=""
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
  elif (( \${#commands} )); then _describe 'command' commands
  else _describe -o 'option' flags; fi
}
if [[ "\${funcstack[1]}" == _orouter ]]; then _orouter "$@"; else compdef _orouter orouter; fi`;
}

function valueCase({ cues, flag }: ReturnType<typeof valueFlags>[number]): string {
  const pattern = cues.map(singleQuoted).join("|");
  if (isFile(flag)) return `    (${pattern}) _files; return ;;`;
  const words = flag.choices.map(singleQuoted).join(" ");
  const offer = words === "" ? `_message ${singleQuoted(flag.about)}` : `compadd -- ${words}`;
  return `    (${pattern}) ${offer}; return ;;`;
}

function verbCase({ path, children, flags, takesFiles }: TreeVerb): string {
  const commands = children.map(({ name, about }) => described(name, about)).join(" ");
  const options = flags.flatMap(({ names, about }) => names.map((name) => described(name, about))).join(" ");
  return `    (${singleQuoted(path)}) commands=(${commands}) flags=(${options})${takesFiles ? " files=1" : ""} ;;`;
}

/** `_describe` parts a word from what it does at the first colon. */
function described(name: string, about: string): string {
  return singleQuoted(`${name.replaceAll(":", "\\:")}:${about}`);
}
