import { existsSync } from "node:fs";
import type { Paths } from "../../config/paths.ts";
import type { Catalog } from "../../core/catalog/catalog.ts";
import { tokenText } from "../models/model-words.ts";
import type { SetupPlan } from "./setup-plan.ts";

/** What will be written, file by file; keys by their fingerprints. */
export function summaryLines(plan: SetupPlan, paths: Paths, catalog: Catalog): string[] {
  const services = Object.entries(plan.addition.providers).map(([id, { base_url: base }]) =>
    base === undefined ? `  service ${id}` : `  service ${id}, at ${base}`,
  );
  const config = [...services, ...chainLines(plan, catalog)];
  const keys = [...Map.groupBy(plan.keys, (key) => key.provider)].map(
    ([provider, own]) => `  ${provider}: ${own.map((key) => key.fingerprint).join(", ")}`,
  );
  return [
    ...(config.length === 0 ? [] : [fileLine(paths.configFile), ...config]),
    ...(keys.length === 0 ? [] : [fileLine(paths.keysFile, ", readable by you alone"), ...keys]),
  ];
}

function chainLines({ addition: { chain } }: SetupPlan, catalog: Catalog): string[] {
  if (chain === undefined) return [];
  const windows = chain.models.flatMap((model) => catalog.windowOf(model) ?? []);
  const window = windows.length === 0 ? "" : `, ${tokenText(Math.min(...windows))} window`;
  return [`  chain ${chain.name}${window}`, ...chain.models.map((model, at) => `    ${at + 1}. ${model}`)];
}

function fileLine(file: string, remark = ""): string {
  return existsSync(file) ? `Into ${file}` : `New: ${file}${remark}`;
}
