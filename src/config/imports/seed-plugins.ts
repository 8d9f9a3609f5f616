import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { OpencodeConfig } from "../opencode-configs.ts";

/** A plugin of opencode that handles keys by itself. */
export interface SeedPlugin {
  name: string;
  /** The configuration that names it, or its own file. */
  from: string;
  /** What the configuration hands to it. */
  options: unknown;
}

/** Each of them puts keys or addresses of its own into the calls that orouter is to answer. */
const NAMES = [
  "opencode-ollama-router",
  "opencode-ollama-multi-auth",
  "opencode-nim-rotator",
  "opencode-omniroute-auth",
];

/** The folders beside a global config whose files opencode loads by themselves. */
const PLUGIN_FOLDERS = ["plugin", "plugins"];

/** The plugins that would work against orouter: named in a config, or lying in opencode's own folder of them. */
export function findSeedPlugins(configs: readonly OpencodeConfig[], folder: string): SeedPlugin[] {
  const lying = PLUGIN_FOLDERS.map((one) => join(folder, one)).flatMap((path) =>
    filesIn(path).flatMap((file): SeedPlugin[] => {
      const name = NAMES.find((one) => file.includes(one));
      return name === undefined ? [] : [{ name, from: join(path, file), options: undefined }];
    }),
  );
  return [...configs.flatMap(namedPlugins), ...lying];
}

/** Those of the older tools that a config names. */
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
