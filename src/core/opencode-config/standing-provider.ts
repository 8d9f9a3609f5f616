import { propertiesOf, textOf, valueAt, valueIn } from "./jsonc-node.ts";
import { parseJsonc } from "./parse-jsonc.ts";

/** What a config says about a provider already; undefined or empty where it says nothing. */
export interface StandingProvider {
  name: string | undefined;
  baseURL: string | undefined;
  apiKey: string | undefined;
  models: readonly string[];
  modelLabels: Readonly<Record<string, string>>;
}

/** Reads a provider's entry, so that what is not asked for anew can stay. A text with faults has none. */
export function standingProvider(text: string, id: string): StandingProvider {
  const parsed = parseJsonc(text.replace(/^\uFEFF/, ""));
  const entry = valueAt(parsed.kind === "parsed" ? parsed.root : undefined, ["provider", id]);
  const models = propertiesOf(valueIn(entry, "models"));
  const labels = models.flatMap(({ key, value }) => {
    const name = textOf(valueIn(value, "name"));
    return name === undefined ? [] : [[key, name] as const];
  });
  return {
    name: textOf(valueIn(entry, "name")),
    baseURL: textOf(valueAt(entry, ["options", "baseURL"])),
    apiKey: textOf(valueAt(entry, ["options", "apiKey"])),
    models: [...new Set(models.map(({ key }) => key))],
    modelLabels: Object.fromEntries(labels),
  };
}
