import { applyEdits, type Node } from "jsonc-parser";
import type { OpenCodeConfig } from "./build-opencode-config.ts";
import { valueAt } from "./jsonc-node.ts";
import { jsoncStyle } from "./jsonc-style.ts";
import { faultAt, type JsoncFault, parseJsonc } from "./parse-jsonc.ts";
import { removeEdits } from "./remove-edits.ts";
import { setEdits } from "./set-edits.ts";

/** The new text, equal to the old one where nothing had to change; or why the old one cannot be added to. */
export type MergedConfig = { kind: "merged"; text: string } | { kind: "faulty"; fault: JsoncFault };

/** Windows editors put it first; it is none of JSON's business. */
const BOM = "\uFEFF";

/**
 * Brings the providers of a config into the text of an opencode.json or .jsonc. Only their entries change: of an entry
 * that is there already, what the config does not speak of stays, but the models are the config's alone. Comments, the
 * order, the layout and everything else are as they were.
 */
export function mergeOpenCodeConfig(text: string, config: OpenCodeConfig): MergedConfig {
  const mark = text.startsWith(BOM) ? BOM : "";
  const merged = merge(text.slice(mark.length), config);
  return merged.kind === "merged" ? { kind: "merged", text: mark + merged.text } : merged;
}

function merge(text: string, config: OpenCodeConfig): MergedConfig {
  const parsed = parseJsonc(text);
  if (parsed.kind === "faulty") return parsed;
  if (parsed.root === undefined) return { kind: "merged", text: firstText(text, config) };
  const fault = shapeFault(text, parsed.root, config);
  if (fault !== undefined) return { kind: "faulty", fault };
  const { provider } = config;
  const set = applyEdits(text, setEdits(text, parsed.root, { provider }, jsoncStyle(text)));
  return { kind: "merged", text: withoutOtherModels(set, config) };
}

/** A file that held nothing, or only comments: those stay on top. */
function firstText(text: string, config: OpenCodeConfig): string {
  const { eol } = jsoncStyle(text);
  const value = JSON.stringify(config, undefined, 2).replaceAll("\n", eol) + eol;
  if (text.trim() === "") return value;
  return text + (/[\r\n]$/.test(text) ? "" : eol) + value;
}

function withoutOtherModels(text: string, config: OpenCodeConfig): string {
  let rest = text;
  for (const [id, { models }] of Object.entries(config.provider)) {
    const parsed = parseJsonc(rest);
    const node = parsed.kind === "parsed" ? valueAt(parsed.root, ["provider", id, "models"]) : undefined;
    if (node === undefined) continue;
    rest = applyEdits(
      rest,
      removeEdits(rest, node, (key) => Object.hasOwn(models, key)),
    );
  }
  return rest;
}

/** What stands where an object belongs and is none is not ours to throw away; `null` holds nothing. */
function shapeFault(text: string, root: Node, config: OpenCodeConfig): JsoncFault | undefined {
  const ids = Object.keys(config.provider);
  const paths = [[], ["provider"], ...ids.flatMap((id) => entryPaths(id))];
  for (const path of paths) {
    const node = valueAt(root, path);
    const isFine = node === undefined || node.type === "object" || (node.type === "null" && path.length > 0);
    if (isFine) continue;
    const name = path.length === 0 ? "the whole file" : `"${path.join(".")}"`;
    return faultAt(text, node.offset, `${name} has to be an object in braces`);
  }
  return undefined;
}

function entryPaths(id: string): string[][] {
  const entry = ["provider", id];
  return [entry, [...entry, "options"], [...entry, "models"]];
}
