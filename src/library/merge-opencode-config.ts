import type { OpenCodeConfig } from "../core/opencode-config/build-opencode-config.ts";
import { mergeOpenCodeConfig as merge } from "../core/opencode-config/merge-opencode-config.ts";

/**
 * Brings what `buildOpenCodeConfig` made into the text of an opencode.json or .jsonc. Comments, order, layout and all
 * other entries stay; merging the same twice changes nothing. Throws for a text that does not parse, with its line and
 * column.
 */
export function mergeOpenCodeConfig(text: string, entry: Pick<OpenCodeConfig, "provider">): string {
  const merged = merge(text, { $schema: "https://opencode.ai/config.json", ...entry });
  if (merged.kind === "merged") return merged.text;
  const { line, column, what } = merged.fault;
  throw new Error(`The config cannot be added to: line ${line}, column ${column}: ${what}.`);
}
