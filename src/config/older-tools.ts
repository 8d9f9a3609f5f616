import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { type ImportKind, type KeyImport, readKeyExport } from "../core/imports/export.ts";
import { importProvider } from "../core/imports/plan-import.ts";
import {
  type OllamaTool,
  ollamaToolProvider,
  readAuthImport,
  readEnvImport,
  readNimRotator,
  readOllamaTool,
  recogniseImport,
} from "../core/imports/tools.ts";
import { isTable } from "../core/settings/checks.ts";
import { readAuthEntries } from "../core/settings/keys.ts";
import { allProviders, type Settings } from "../core/settings/settings.ts";
import { type AuthPlaces, readAuthKeys } from "./opencode-auth.ts";
import {
  type OpencodeConfig,
  type OpencodePlace,
  opencodeFolder,
  readOpencodeConfigs,
} from "./opencode-configs.ts";

export interface ImportSource {
  kind: ImportKind;
  /** The file, or `environment`. */
  from: string;
  tool: string;
  found: KeyImport;
}

/** opencode's config and ours decide which provider a key belongs to. */
export interface ImportReader extends OpencodePlace {
  settings: Settings;
  configs: readonly OpencodeConfig[];
}

const TOOLS: Record<ImportKind, string> = {
  "ollama-router": "opencode-ollama-router",
  "multi-auth": "opencode-ollama-multi-auth",
  "nim-rotator": "opencode-nim-rotator",
  env: "the environment",
  auth: "opencode",
  export: "orouter",
};

export function importSource(kind: ImportKind, from: string, found: KeyImport): ImportSource {
  return { kind, from, tool: TOOLS[kind], found };
}

/** The key list of a plugin for Ollama Cloud. */
export function ollamaSource(
  tool: OllamaTool,
  value: unknown,
  { from, reader }: { from: string; reader: ImportReader },
): ImportSource {
  const id = ollamaToolProvider(value) ?? (tool === "multi-auth" ? "ollama-multi" : "ollama-router");
  const owner = importProvider({ id, baseUrl: baseUrlOf(id, reader) }, allProviders(reader.settings));
  return importSource(tool, from, readOllamaTool(tool, value, owner));
}

/** Maps an id of opencode's auth.json to one of our providers. */
export function ownerFinder(reader: ImportReader): (id: string) => string | undefined {
  const providers = allProviders(reader.settings);
  return (id) => {
    if (providers.some((provider) => provider.id === id)) return id;
    const baseUrl = baseUrlOf(id, reader);
    if (baseUrl === undefined) return undefined;
    const owner = importProvider({ id, baseUrl }, providers);
    return owner.baseUrl === undefined ? owner.id : undefined;
  };
}

/** The config that opencode reads last wins. */
function baseUrlOf(id: string, { configs }: ImportReader): string | undefined {
  for (const { value } of configs.toReversed()) {
    const provider = isTable(value?.["provider"]) ? value["provider"][id] : undefined;
    const options = isTable(provider) ? provider["options"] : undefined;
    const baseUrl = isTable(options) ? options["baseURL"] : undefined;
    if (typeof baseUrl === "string") return baseUrl;
  }
  return undefined;
}

/** Accepts comments, as opencode does. Undefined if it is not JSON. */
export function parseImport(text: string): unknown {
  try {
    return Bun.JSONC.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    return undefined;
  }
}

export interface SeedPlugin {
  name: string;
  /** The config that names the plugin, or the plugin's own file. */
  from: string;
  options: unknown;
}

/** Each of these plugins puts its own keys or addresses into requests that orouter handles. */
const NAMES = [
  "opencode-ollama-router",
  "opencode-ollama-multi-auth",
  "opencode-nim-rotator",
  "opencode-omniroute-auth",
];

/** opencode loads the files in these folders, next to its global config, by itself. */
const PLUGIN_FOLDERS = ["plugin", "plugins"];

/** Plugins that conflict with orouter: named in a config, or in opencode's plugin folder. */
export function findSeedPlugins(configs: readonly OpencodeConfig[], folder: string): SeedPlugin[] {
  const lying = PLUGIN_FOLDERS.map((one) => join(folder, one)).flatMap((path) =>
    filesIn(path).flatMap((file): SeedPlugin[] => {
      const name = NAMES.find((one) => file.includes(one));
      return name === undefined ? [] : [{ name, from: join(path, file), options: undefined }];
    }),
  );
  return [...configs.flatMap(namedPlugins), ...lying];
}

/** Only those that a config names. */
export function namedPlugins({ from, value }: OpencodeConfig): SeedPlugin[] {
  const list = Array.isArray(value?.["plugin"]) ? value["plugin"] : [];
  return list.flatMap((entry: unknown): SeedPlugin[] => {
    const [spec, options]: unknown[] = Array.isArray(entry) ? entry : [entry];
    const name = typeof spec === "string" ? NAMES.find((one) => spec.includes(one)) : undefined;
    return name === undefined ? [] : [{ name, from, options }];
  });
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Keys in files of older tools and in plugin options. */
export function findSeedSources(reader: ImportReader, plugins: readonly SeedPlugin[]): ImportSource[] {
  const folder = opencodeFolder(reader);
  const ownFiles = (["ollama-router", "multi-auth"] as const).flatMap((tool) => {
    const name = join(folder, tool === "multi-auth" ? "ollama-multi-auth" : tool);
    return [`${name}.json`, `${name}.jsonc`].flatMap((file) => {
      const value = readValue(file);
      return value === undefined ? [] : [ollamaSource(tool, value, { from: file, reader })];
    });
  });
  // A plugin entry that names the default store has more information than the store alone.
  const named = pluginSources(reader, plugins);
  const usual = importStore(usualStore(reader));
  const others = usual === undefined || named.some(({ from }) => from === usual.from) ? [] : [usual];
  return [...ownFiles, ...named, ...others].filter(hasSomething);
}

/** Keys in the plugin options, and in the stores that these name. */
export function pluginSources(reader: ImportReader, plugins: readonly SeedPlugin[]): ImportSource[] {
  return plugins.flatMap(({ name, from, options }): ImportSource[] => {
    if (!isTable(options)) return [];
    if (name === "opencode-ollama-multi-auth") return [ollamaSource("multi-auth", options, { from, reader })];
    if (name !== "opencode-nim-rotator") return [];
    const { storePath, rotationStrategy } = options;
    const file = typeof storePath === "string" ? storeFile(storePath, from, reader) : usualStore(reader);
    return [importStore(file, rotationStrategy) ?? []].flat();
  });
}

/** False if there is nothing to import or to report. */
export function hasSomething({ found: { keys, leftOut } }: ImportSource): boolean {
  return keys.length + leftOut.length > 0;
}

function usualStore({ env, home }: ImportReader): string {
  return env["NIM_ROTATOR_STORE_PATH"] || join(opencodeFolder({ env, home }), "nim-rotator-keys.json");
}

function storeFile(path: string, from: string, { home }: ImportReader): string {
  return resolve(dirname(from), path.replace(/^~(?=[/\\])/, home));
}

/** The plugin's option wins over the store's. */
function importStore(file: string, strategy?: unknown): ImportSource | undefined {
  const value = readValue(file);
  if (!isTable(value)) return undefined;
  const store = strategy === undefined ? value : { ...value, rotationStrategy: strategy };
  return importSource("nim-rotator", file, readNimRotator(store));
}

/** These files belong to other tools, so an unreadable one is skipped. */
function readValue(file: string): unknown {
  try {
    // A pipe would be waited for.
    return statSync(file).isFile() ? parseImport(readFileSync(file, "utf8")) : undefined;
  } catch {
    return undefined;
  }
}

export interface ImportPlaces extends Omit<ImportReader, "configs"> {
  paths: AuthPlaces;
}

/** Looks at files of older tools, the environment and opencode's own keys. */
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

/** Accepts any file name. Undefined if the format is unknown. */
export function readImport(
  file: string,
  text: string,
  places: Omit<ImportReader, "configs">,
): ImportSource[] | undefined {
  const value = parseImport(text);
  if (!isTable(value)) return undefined;
  const from = resolve(places.cwd, file);
  const reader = { ...places, configs: readOpencodeConfigs(places) };
  const format = recogniseImport(value, basename(file));
  switch (format) {
    case undefined:
      return undefined;
    case "export":
      return [importSource("export", from, readKeyExport(value))];
    case "auth":
      return [importSource("auth", from, readAuthImport(readAuthEntries(text) ?? [], ownerFinder(reader)))];
    case "nim-rotator":
      return [importSource("nim-rotator", from, readNimRotator(value))];
    case "ollama-router":
    case "multi-auth":
      return [ollamaSource(format, value, { from, reader })];
    case "opencode-config": {
      // The file itself contains its providers' addresses.
      const config = { from, value };
      return pluginSources({ ...reader, configs: [...reader.configs, config] }, namedPlugins(config));
    }
  }
}
