import { openCacheFolder } from "../../catalog/cache-folder.ts";
import { loadList } from "../../catalog/load-list.ts";
import { PATIENCE } from "../../catalog/patience.ts";
import type { NameKind } from "../../cli/verb.ts";
import { loadKeyEntries } from "../../config/keys-file.ts";
import { loadConfig } from "../../config/load.ts";
import type { Paths } from "../../config/paths.ts";
import { keyTitle } from "../../core/key.ts";
import { CHAIN_PROVIDER, formatModelRef } from "../../core/model-ref.ts";
import { namedModels } from "../../core/routing/targets.ts";
import { allProviders, type Settings } from "../../core/settings/settings.ts";
import { settingRows } from "../../core/settings/settings-docs.ts";
import { writeCache } from "../models/open-catalog.ts";

/** bash runs what it finds in a word, and some of these names come from a provider. */
const HARMLESS = /^[\w.:/@+,-]+$/;

/** The names of some kinds, as far as files tell them: no provider is asked, and no keychain is opened. */
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

/** A name that two keys bear needs its provider. */
async function keyNames(_settings: Settings, paths: Paths): Promise<string[]> {
  const { entries } = await loadKeyEntries(paths);
  const isShared = (name: string) => entries.filter((entry) => entry.name === name).length > 1;
  return entries.map((entry) => (isShared(entry.name) ? keyTitle(entry) : entry.name));
}

async function modelNames(settings: Settings, { cacheDir }: Paths): Promise<string[]> {
  const options = {
    secrets: [],
    cache: openCacheFolder(cacheDir, writeCache),
    patience: PATIENCE.never,
    nowMs: Date.now(),
    signal: AbortSignal.abort(),
  };
  const lists = await Promise.all(allProviders(settings).map((provider) => loadList(provider, options)));
  const listed = lists.flatMap(({ provider, list }) =>
    (list?.models ?? []).map(({ id }) => formatModelRef({ provider, model: id })),
  );
  return [...namedModels(settings).map(formatModelRef), ...listed];
}

/** What is called as the user likes stands there by the names that it has by now. */
function settingNames({ providers, chains }: Settings): string[] {
  return settingRows().flatMap(({ path }) => {
    if (path.startsWith("providers.<id>"))
      return Object.keys(providers).map((id) => path.replace("<id>", id));
    if (path === "chains.<name>") return Object.keys(chains).map((name) => `chains.${name}`);
    return [path];
  });
}
