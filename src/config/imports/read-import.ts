import { basename, resolve } from "node:path";
import { readKeyExport } from "../../core/imports/export.ts";
import { readAuthImport, readNimRotator, recogniseImport } from "../../core/imports/tools.ts";
import { isTable } from "../../core/settings/checks.ts";
import { readAuthEntries } from "../../core/settings/keys.ts";
import { readOpencodeConfigs } from "../opencode-configs.ts";
import {
  type ImportReader,
  type ImportSource,
  importSource,
  ollamaSource,
  ownerFinder,
  parseImport,
} from "./import-source.ts";
import { namedPlugins } from "./seed-plugins.ts";
import { pluginSources } from "./seed-sources.ts";

/** Reads a file that a person named, whatever it is called. Undefined: it is nothing that is known here. */
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
      // The addresses of its providers stand in the file itself.
      const config = { from, value };
      return pluginSources({ ...reader, configs: [...reader.configs, config] }, namedPlugins(config));
    }
  }
}
