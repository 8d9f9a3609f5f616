import { readAuthImport, readEnvImport } from "../../core/imports/tools.ts";
import { allProviders } from "../../core/settings/settings.ts";
import { type AuthPlaces, readAuthKeys } from "../opencode-auth.ts";
import { opencodeFolder, readOpencodeConfigs } from "../opencode-configs.ts";
import { type ImportReader, type ImportSource, importSource, ownerFinder } from "./import-source.ts";
import { findSeedPlugins } from "./seed-plugins.ts";
import { findSeedSources, hasSomething } from "./seed-sources.ts";

/** Where to look. */
export interface ImportPlaces extends Omit<ImportReader, "configs"> {
  paths: AuthPlaces;
}

/** The places on this machine that have keys: files of the older tools, the environment, opencode's own. */
export async function findImports(places: ImportPlaces): Promise<ImportSource[]> {
  const { env, settings, paths } = places;
  const configs = readOpencodeConfigs(places);
  const reader = { ...places, configs };
  const auth = await readAuthKeys(env, paths);
  return [
    ...findSeedSources(reader, findSeedPlugins(configs, opencodeFolder(places))),
    importSource("env", "environment", readEnvImport(env, allProviders(settings))),
    ...auth.map(({ from, entries }) =>
      importSource("auth", from, readAuthImport(entries, ownerFinder(reader))),
    ),
  ].filter(hasSomething);
}
