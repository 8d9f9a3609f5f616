import { applyEdits, type Node } from "jsonc-parser";
import { defaultModels } from "../catalog/model-kinds.ts";
import { DEFAULT_DIALECT, type Dialect, dialectNamed, dialectSpec } from "../dialect/registry.ts";
import { PRESETS } from "../settings/presets.ts";
import {
  faultAt,
  type JsoncFault,
  jsoncStyle,
  parseJsonc,
  propertiesOf,
  removeEdits,
  setEdits,
  textOf,
  valueAt,
  valueIn,
} from "./jsonc.ts";

interface OpenCodeModel {
  name: string;
}

/** The fields of a provider entry that orouter writes. */
export interface OpenCodeProvider {
  /** The AI SDK package; opencode bundles both that we use. */
  npm: string;
  name: string;
  options: {
    /** With exactly one version in its path. */
    baseURL: string;
    /** A key, a placeholder, or `{env:NAME}` and `{file:PATH}`, which opencode resolves. */
    apiKey: string;
  };
  models: Record<string, OpenCodeModel>;
}

export interface OpenCodeConfig {
  $schema: string;
  provider: Record<string, OpenCodeProvider>;
}

export interface OpenCodeConfigParts {
  id: string;
  name: string;
  baseURL: string;
  apiKey: string;
  /** Default: `chat`. */
  apiMode?: Dialect | undefined;
  models: readonly string[];
  modelLabels?: Readonly<Record<string, string>> | undefined;
}

/** The schema that opencode and editors validate a config with. */
const SCHEMA_URL = "https://opencode.ai/config.json";

export function buildOpenCodeConfig(parts: OpenCodeConfigParts): OpenCodeConfig {
  const { id, name, baseURL, apiKey, models, modelLabels = {} } = parts;
  const labelOf = (model: string) => (Object.hasOwn(modelLabels, model) ? modelLabels[model] : undefined);
  return {
    $schema: SCHEMA_URL,
    provider: {
      [id]: {
        // For an unknown value, use chat, which every server speaks.
        npm: dialectSpec(dialectNamed(parts.apiMode) ?? DEFAULT_DIALECT).sdk,
        name,
        options: { baseURL, apiKey },
        models: Object.fromEntries(models.map((model) => [model, { name: labelOf(model) ?? model }])),
      },
    },
  };
}

/** The new text, equal to the old one if nothing changed; or the fault of the old one. @internal */
export type MergedConfig = { kind: "merged"; text: string } | { kind: "faulty"; fault: JsoncFault };

/** Windows editors write it; JSON does not allow it. */
const BOM = "\uFEFF";

/**
 * Merges the providers of a config into the text of an opencode.json or .jsonc. Only their entries change: other fields
 * of an existing entry stay, but the models are replaced. Keeps comments, order and layout. @internal
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

/** Comments of an otherwise empty file stay at the top. */
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

/** The models of OmniRoute's own guide; `auto` picks among the available accounts. */
const OMNIROUTE = [
  "auto",
  "claude-opus-4-5-thinking",
  "claude-sonnet-4-5-thinking",
  "gemini-3.1-pro-high",
  "gemini-3-flash",
];

/** The models of a new provider entry if the user named none; empty for most providers. */
export function firstModels(provider: string): string[] {
  return provider === "omniroute" ? [...OMNIROUTE] : defaultModels(provider).map((model) => model.id);
}

/** Common placeholders for servers that need no key. */
const PLACEHOLDERS = new Set([
  ...PRESETS.flatMap((preset) => preset.placeholderKey ?? []),
  ..."none dummy empty EMPTY local ollama lm-studio not-needed no-key sk-no-key-required placeholder x".split(
    " ",
  ),
]);

const VARIABLE = /^\{env:([A-Za-z_][A-Za-z0-9_]*)\}$/;
const FILE = /^\{file:[^{}\r\n]+\}$/;

/** True if the `apiKey` is not secret: a placeholder, or a reference. */
export function isOpenApiKey(text: string): boolean {
  return PLACEHOLDERS.has(text) || VARIABLE.test(text) || FILE.test(text);
}

/** The variable in `{env:NAME}`; undefined for another form. */
export function variableOf(apiKey: string): string | undefined {
  return VARIABLE.exec(apiKey)?.[1];
}

/** The existing entry of a provider; fields are undefined or empty if absent. */
export interface StandingProvider {
  name: string | undefined;
  baseURL: string | undefined;
  apiKey: string | undefined;
  models: readonly string[];
  modelLabels: Readonly<Record<string, string>>;
}

/** A text with faults has no entry. */
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

/** The names of files and folders that opencode and its forks look for. */
export interface OpencodeNames {
  /** Below the XDG folders. */
  folder: string;
  /** Configuration files; the last one wins. */
  configs: readonly string[];
  /** Folders with configuration in a project. */
  dotFolders: readonly string[];
}

export const OPENCODE_NAMES: OpencodeNames = {
  folder: "opencode",
  configs: ["opencode.json", "opencode.jsonc"],
  dotFolders: [".opencode"],
};

/** Kilo reads files with opencode's names as well. */
export const KILO_NAMES: OpencodeNames = {
  folder: "kilo",
  configs: ["opencode.json", "opencode.jsonc", "kilo.json", "kilo.jsonc"],
  dotFolders: [".kilocode", ".kilo"],
};
