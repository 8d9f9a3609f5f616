import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { readNimRotator } from "../../core/imports/tools.ts";
import { isTable } from "../../core/settings/checks.ts";
import { opencodeFolder } from "../opencode-configs.ts";
import {
  type ImportReader,
  type ImportSource,
  importSource,
  ollamaSource,
  parseImport,
} from "./import-source.ts";
import type { SeedPlugin } from "./seed-plugins.ts";

/** What the older tools have kept: in files of their own, and among the options of opencode's plugins. */
export function findSeedSources(reader: ImportReader, plugins: readonly SeedPlugin[]): ImportSource[] {
  const folder = opencodeFolder(reader);
  const ownFiles = (["ollama-router", "multi-auth"] as const).flatMap((tool) => {
    const name = join(folder, tool === "multi-auth" ? "ollama-multi-auth" : tool);
    return [`${name}.json`, `${name}.jsonc`].flatMap((file) => {
      const value = readValue(file);
      return value === undefined ? [] : [ollamaSource(tool, value, { from: file, reader })];
    });
  });
  // A plugin's entry that names the usual store says more about it than the store alone.
  const named = pluginSources(reader, plugins);
  const usual = importStore(usualStore(reader));
  const others = usual === undefined || named.some(({ from }) => from === usual.from) ? [] : [usual];
  return [...ownFiles, ...named, ...others].filter(hasSomething);
}

/** What the options of the plugins hold themselves, and the stores that they name. */
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

/** Whether there is anything to take over, or to say. */
export function hasSomething({ found: { keys, leftOut } }: ImportSource): boolean {
  return keys.length + leftOut.length > 0;
}

function usualStore({ env, home }: ImportReader): string {
  return env["NIM_ROTATOR_STORE_PATH"] || join(opencodeFolder({ env, home }), "nim-rotator-keys.json");
}

function storeFile(path: string, from: string, { home }: ImportReader): string {
  return resolve(dirname(from), path.replace(/^~(?=[/\\])/, home));
}

/** The plugin's option goes over what the store says. */
function importStore(file: string, strategy?: unknown): ImportSource | undefined {
  const value = readValue(file);
  if (!isTable(value)) return undefined;
  const store = strategy === undefined ? value : { ...value, rotationStrategy: strategy };
  return importSource("nim-rotator", file, readNimRotator(store));
}

/** These files are others': one that cannot be read has nothing for us. */
function readValue(file: string): unknown {
  try {
    return parseImport(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
