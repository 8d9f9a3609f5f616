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

/** A model as opencode's picker shows it. */
interface OpenCodeModel {
  name: string;
}

/** A provider of an opencode config, as far as it is ours to write. */
export interface OpenCodeProvider {
  /** The AI SDK package that speaks to it; opencode carries both of ours within itself. */
  npm: string;
  name: string;
  options: {
    /** With exactly one version in its path. */
    baseURL: string;
    /** A key, a placeholder, or `{env:NAME}` and `{file:PATH}`, which opencode fills in itself. */
    apiKey: string;
  };
  models: Record<string, OpenCodeModel>;
}

/** An opencode config with nothing in it but providers. */
export interface OpenCodeConfig {
  $schema: string;
  provider: Record<string, OpenCodeProvider>;
}

/** What a provider is to be called, where it is and what it has. */
export interface OpenCodeConfigParts {
  id: string;
  name: string;
  baseURL: string;
  apiKey: string;
  /** `chat` where absent. */
  apiMode?: Dialect | undefined;
  models: readonly string[];
  /** What people read in place of an id. */
  modelLabels?: Readonly<Record<string, string>> | undefined;
}

/** The schema that opencode and editors check a config against. */
const SCHEMA_URL = "https://opencode.ai/config.json";

/** The opencode config that brings in one provider. It can be a whole file, or be merged into one. */
export function buildOpenCodeConfig(parts: OpenCodeConfigParts): OpenCodeConfig {
  const { id, name, baseURL, apiKey, models, modelLabels = {} } = parts;
  const labelOf = (model: string) => (Object.hasOwn(modelLabels, model) ? modelLabels[model] : undefined);
  return {
    $schema: SCHEMA_URL,
    provider: {
      [id]: {
        // Whatever else a config made by hand or by another tool may say, chat is what every server speaks.
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

/** Windows editors put it first; it is none of JSON's business. */
const BOM = "\uFEFF";

/**
 * Brings the providers of a config into the text of an opencode.json or .jsonc. Only their entries change: of an entry
 * that is there already, what the config does not speak of stays, but the models are the config's alone. Comments, the
 * order, the layout and everything else are as they were.
 * @internal
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

/** What a fresh OmniRoute offers, and what its own guide begins with; `auto` picks among whatever accounts it has. */
const OMNIROUTE = [
  "auto",
  "claude-opus-4-5-thinking",
  "claude-sonnet-4-5-thinking",
  "gemini-3.1-pro-high",
  "gemini-3-flash",
];

/** The models that a provider's entry begins with where nobody has named any; none for most providers. */
export function firstModels(provider: string): string[] {
  return provider === "omniroute" ? [...OMNIROUTE] : defaultModels(provider).map((model) => model.id);
}

/** What people write where a server asks for no key. */
const PLACEHOLDERS = new Set([
  ...PRESETS.flatMap((preset) => preset.placeholderKey ?? []),
  ..."none dummy empty EMPTY local ollama lm-studio not-needed no-key sk-no-key-required placeholder x".split(
    " ",
  ),
]);

const VARIABLE = /^\{env:([A-Za-z_][A-Za-z0-9_]*)\}$/;
const FILE = /^\{file:[^{}\r\n]+\}$/;

/** Whether an `apiKey` of a config is for all to see: a placeholder, or where opencode is to find the key. */
export function isOpenApiKey(text: string): boolean {
  return PLACEHOLDERS.has(text) || VARIABLE.test(text) || FILE.test(text);
}

/** The variable that an `apiKey` names; undefined where it is of another form. */
export function variableOf(apiKey: string): string | undefined {
  return VARIABLE.exec(apiKey)?.[1];
}

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
