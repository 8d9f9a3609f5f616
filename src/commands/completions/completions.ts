import { FETCH_POLICIES, openCacheFolder } from "../../catalog/cache.ts";
import { loadList } from "../../catalog/model-lists.ts";
import {
  type Command,
  defineCommand,
  type Example,
  NAME_KINDS,
  type NameKind,
  usageFault,
} from "../../cli/command.ts";
import { out } from "../../cli/talk.ts";
import { loadKeyEntries } from "../../config/keys-file.ts";
import { loadConfig } from "../../config/load.ts";
import { type Paths, resolvePaths } from "../../config/paths.ts";
import { keyTitle } from "../../core/key.ts";
import { CHAIN_PROVIDER, formatModelRef } from "../../core/model-ref.ts";
import { EXIT } from "../../core/problem.ts";
import { namedModels } from "../../core/routing/targets.ts";
import { settingRows } from "../../core/settings/setting-names.ts";
import { allProviders, type Settings } from "../../core/settings/settings.ts";
import { didYouMean, nearest } from "../../core/text.ts";
import { writeCache } from "../catalog.ts";
import { bashScript, commandTree, fishScript, type TreeCommand, zshScript } from "./scripts.ts";

/** bash evaluates the words it completes, and some of these names come from a provider. */
const HARMLESS = /^[\w.:/@+,-]+$/;

/** Reads files only: completion must not call a provider or open a keychain. */
export async function knownNames(kinds: readonly NameKind[], paths: Paths): Promise<string[]> {
  const { settings } = await loadConfig(paths);
  const names = await Promise.all(kinds.map((kind) => NAMES[kind](settings, paths)));
  return [...new Set(names.flat())].filter((name) => HARMLESS.test(name));
}

const NAMES: Record<NameKind, (settings: Settings, paths: Paths) => string[] | Promise<string[]>> = {
  keys: keyNames,
  providers: (settings) => allProviders(settings).map(({ id }) => id),
  models: modelNames,
  chains: ({ chains }) => Object.keys(chains),
  picks: async (settings, paths) => [
    ...Object.keys(settings.chains).map((name) => `${CHAIN_PROVIDER}/${name}`),
    ...(await modelNames(settings, paths)),
  ],
  settings: settingNames,
};

/** A key name that two providers use is offered with its provider. */
async function keyNames(_settings: Settings, paths: Paths): Promise<string[]> {
  const { entries } = await loadKeyEntries(paths);
  const isShared = (name: string) => entries.filter((entry) => entry.name === name).length > 1;
  return entries.map((entry) => (isShared(entry.name) ? keyTitle(entry) : entry.name));
}

async function modelNames(settings: Settings, { cacheDir }: Paths): Promise<string[]> {
  const options = {
    secrets: [],
    cache: openCacheFolder(cacheDir, writeCache),
    policy: FETCH_POLICIES.never,
    nowMs: Date.now(),
    signal: AbortSignal.abort(),
  };
  const lists = await Promise.all(allProviders(settings).map((provider) => loadList(provider, options)));
  const listed = lists.flatMap(({ provider, list }) =>
    (list?.models ?? []).map(({ id }) => formatModelRef({ provider, model: id })),
  );
  return [...namedModels(settings).map(formatModelRef), ...listed];
}

/** Tables with user-chosen names are listed by the names in the file. */
function settingNames({ providers, chains }: Settings): string[] {
  return settingRows().flatMap(({ path }) => {
    if (path.startsWith("providers.<id>"))
      return Object.keys(providers).map((id) => path.replace("<id>", id));
    if (path === "chains.<name>") return Object.keys(chains).map((name) => `chains.${name}`);
    return [path];
  });
}

export const namesCommand = defineCommand({
  name: "names",
  about: "Print names of keys, models, chains and so on for scripts",
  examples: [
    { line: "orouter completions names chains models", does: "one name per line, without a request" },
  ],
  args: {
    kind: {
      type: "positional",
      valueHint: "KIND…",
      description: `Print ${NAME_KINDS.join(", ")}`,
      offers: { words: NAME_KINDS },
    },
  },
  rest: true,
  run: async ({ _: words }) => {
    const names = await knownNames(words.map(kindNamed), resolvePaths(process.env));
    if (names.length > 0) out(names.join("\n"));
    return EXIT.fine;
  },
  children: {},
});

function kindNamed(text: string): NameKind {
  const kind = NAME_KINDS.find((one) => one === text);
  if (kind !== undefined) return kind;
  throw usageFault(
    `There are no names of ${JSON.stringify(text)}.${didYouMean(nearest(text, NAME_KINDS))}`,
    `There are those of: ${NAME_KINDS.join(", ")}.`,
  );
}

interface Shell {
  script: (tree: readonly TreeCommand[]) => string;
  place: string;
}

const SHELLS = {
  bash: { script: bashScript, place: "~/.local/share/bash-completion/completions/orouter" },
  zsh: { script: zshScript, place: "_orouter in a folder of $fpath" },
  fish: { script: fishScript, place: "~/.config/fish/completions/orouter.fish" },
} satisfies Record<string, Shell>;

/** Completes names by calling `orouter`; everything else is in the script. */
export function completionsCommand(root: Command): Command {
  return {
    name: "completions",
    about: "Print a shell completion script",
    examples: Object.entries(SHELLS).map(exampleOf),
    args: {},
    run: undefined,
    children: Object.fromEntries(
      [...Object.entries(SHELLS).map(([name, shell]) => shellCommand(name, shell, root)), namesCommand].map(
        (command) => [command.name, { about: command.about, load: async () => command }],
      ),
    ),
  };
}

function exampleOf([name, { place }]: [string, Shell]): Example {
  return { line: `orouter completions ${name}`, does: `save it as ${place}` };
}

function shellCommand(name: string, shell: Shell, root: Command): Command {
  return {
    name,
    about: `Print the script for ${name}`,
    examples: [exampleOf([name, shell])],
    args: {},
    run: async () => {
      out(shell.script(await commandTree(root)));
      return EXIT.fine;
    },
    children: {},
  };
}
