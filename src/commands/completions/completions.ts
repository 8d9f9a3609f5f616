import { out } from "../../cli/io.ts";
import type { Example, Verb } from "../../cli/verb.ts";
import { EXIT } from "../../core/problem.ts";
import { bashScript } from "./bash-script.ts";
import { fishScript } from "./fish-script.ts";
import { namesVerb } from "./names.ts";
import { type TreeVerb, verbTree } from "./verb-tree.ts";
import { zshScript } from "./zsh-script.ts";

interface Shell {
  script: (tree: readonly TreeVerb[]) => string;
  /** Where the shell looks for what is printed. */
  place: string;
}

const SHELLS = {
  bash: { script: bashScript, place: "~/.local/share/bash-completion/completions/orouter" },
  zsh: { script: zshScript, place: "_orouter in a folder of $fpath" },
  fish: { script: fishScript, place: "~/.config/fish/completions/orouter.fish" },
} satisfies Record<string, Shell>;

/** `orouter completions`: a script that knows all commands under `root`. A shell has to start us for names alone. */
export function completionsVerb(root: Verb): Verb {
  return {
    name: "completions",
    about: "Print a script with which your shell completes commands and flags",
    examples: Object.entries(SHELLS).map(exampleOf),
    args: {},
    run: undefined,
    children: Object.fromEntries(
      [...Object.entries(SHELLS).map(([name, shell]) => shellVerb(name, shell, root)), namesVerb].map(
        (verb) => [verb.name, { about: verb.about, load: async () => verb }],
      ),
    ),
  };
}

function exampleOf([name, { place }]: [string, Shell]): Example {
  return { line: `orouter completions ${name}`, does: `save it as ${place}` };
}

function shellVerb(name: string, shell: Shell, root: Verb): Verb {
  return {
    name,
    about: `The script for ${name}`,
    examples: [exampleOf([name, shell])],
    args: {},
    run: async () => {
      out(shell.script(await verbTree(root)));
      return EXIT.fine;
    },
    children: {},
  };
}
