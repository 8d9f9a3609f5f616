import {
  type ArgDefs,
  type ArgsOf,
  defineCommand,
  looksLikeSecret,
  secretInWords,
  usageFault,
  usageProblem,
} from "../../cli/command.ts";
import { out, outJson, say, talk } from "../../cli/talk.ts";
import { editConfig } from "../../config/config-edits.ts";
import { loadConfig } from "../../config/load.ts";
import { resolvePaths } from "../../config/paths.ts";
import { parseToml, readToml } from "../../config/toml-edit.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { redact } from "../../core/scrub.ts";
import { isTable } from "../../core/settings/checks.ts";
import { bare, metaOf, type SchemaNode } from "../../core/settings/schema.ts";
import { formatSettingPath, type SettingKind, type SettingPath } from "../../core/settings/setting-kinds.ts";
import {
  type FoundSetting,
  findSetting,
  type SettingRow,
  settingRows,
  tomlKey,
  tomlValue,
  valueAt,
  withValueAt,
} from "../../core/settings/setting-names.ts";
import { allProviders, providerOf, type Settings } from "../../core/settings/settings.ts";
import { didYouMean, nearest } from "../../core/text.ts";
import { findProvider } from "../keys/own-key.ts";

/**
 * A value as config.toml would have it, and its source; the source of a table is the file if any part of it is set
 * there.
 */
export interface SettingInForce {
  value: unknown;
  from: "file" | "preset" | "default";
}

export interface ReadSettings {
  written: Record<string, unknown>;
  settings: Settings;
}

/** An unknown setting is a Problem that names the nearest one. */
export function namedSetting(text: string): FoundSetting {
  const found = findSetting(text);
  if ("path" in found) return found;
  throw new Problem({
    code: "unknown-setting",
    what: `Unknown setting ${JSON.stringify(text)}.${didYouMean(found.near)}`,
    fix: "List them: orouter config list",
    exit: EXIT.usage,
  });
}

/** The file wins over the provider preset, and that over the default. */
export function settingInForce({ path, node }: FoundSetting, read: ReadSettings): SettingInForce {
  refuseMissing(path, read);
  const written = valueAt(read.written, path);
  const value = inForce(path, node, read);
  if (written !== undefined) return { value, from: "file" };
  return { value, from: presetValue(path, read.settings) === undefined ? "default" : "preset" };
}

function inForce(path: SettingPath, node: SchemaNode, read: ReadSettings): unknown {
  const written = valueAt(read.written, path);
  const { entries, value } = bare(node);
  if (entries !== undefined) return tableOf(Object.entries(entries), path, read);
  if (value !== undefined) {
    const names = isTable(written) ? Object.keys(written) : [];
    return tableOf(
      names.map((name): [string, SchemaNode] => [name, value]),
      path,
      read,
    );
  }
  return presetValue(path, read.settings) ?? written ?? defaultOf(node);
}

function tableOf(
  entries: readonly (readonly [string, SchemaNode])[],
  path: SettingPath,
  read: ReadSettings,
): Record<string, unknown> {
  const values = entries.map(([key, child]) => [key, inForce([...path, key], child, read)] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** The provider's own settings merged with its preset; placeholders in an address are filled in. */
function presetValue(path: SettingPath, settings: Settings): unknown {
  const [table, id, key] = path;
  if (table !== "providers" || typeof id !== "string" || typeof key !== "string") return undefined;
  const provider = providerOf(settings, id);
  if (provider === undefined) return undefined;
  return new Map<string, unknown>([
    ["name", provider.name],
    ["base_url", provider.baseUrl],
    ["api", provider.api],
    ["rpm", provider.rpm],
  ]).get(key);
}

function defaultOf(node: SchemaNode): unknown {
  const text = metaOf(node)?.defaultText ?? "";
  if (text !== "") return JSON.parse(text);
  return bare(node).type === "array" && node.type === "optional" ? [] : undefined;
}

/** Rejects a user-chosen name that the file does not have: a chain, a provider, a list entry. */
function refuseMissing(path: SettingPath, { written, settings }: ReadSettings): void {
  const [table, name] = path;
  if (table === "providers" && typeof name === "string") {
    findProvider(settings, name);
    return;
  }
  const isNamed = (table === "chains" || table === "fallbacks") && typeof name === "string";
  const at = path.findLastIndex((step) => typeof step === "number");
  const wanted = path.slice(0, at < 0 && isNamed ? 2 : at + 1);
  if (wanted.length === 0 || valueAt(written, wanted) !== undefined) return;
  const names = Object.keys(settings[table === "fallbacks" ? "fallbacks" : "chains"]);
  const near = typeof name === "string" ? nearest(name, names) : undefined;
  const meant = near === undefined ? undefined : formatSettingPath([table ?? "", near]);
  throw new Problem({
    code: "unknown-setting",
    what: `config.toml has no ${formatSettingPath(wanted)}.${didYouMean(meant)}`,
    fix: "List what it has: orouter config list",
    exit: EXIT.usage,
  });
}

export const SETTING_ARG = {
  type: "positional",
  description: "Name a setting, for example routing.strategy",
  offers: { names: ["settings"] },
} as const;

const CONFIG_GET_ARGS = {
  path: SETTING_ARG,
  json: { type: "boolean", description: 'Print {"path","value","from"} (file, preset or default)' },
} satisfies ArgDefs;

export const configGetCommand = defineCommand({
  name: "get",
  about: "Show one setting and where its value comes from",
  examples: [
    { line: "orouter config get routing.strategy", does: "the value alone on stdout" },
    { line: "orouter config get providers.nvidia.rpm", does: "includes the provider's preset" },
    { line: "orouter config get routing --json", does: "a whole table, for scripts" },
  ],
  args: CONFIG_GET_ARGS,
  run: get,
  children: {},
});

async function get(args: ArgsOf<typeof CONFIG_GET_ARGS>): Promise<number> {
  const asked = args.path;
  if (looksLikeSecret(asked)) throw secretInWords();
  const found = namedSetting(asked);
  const paths = resolvePaths(process.env);
  const { settings, warnings } = await loadConfig(paths);
  for (const warning of warnings) talk.warn(warning);
  const file = await readToml(paths.configFile);
  const setting = settingInForce(found, { written: file?.value ?? {}, settings });
  const path = formatSettingPath(found.path);
  if (args.json === true) {
    outJson({ path, value: JSON.parse(JSON.stringify(setting.value ?? null, clean)), from: setting.from });
    return EXIT.fine;
  }
  say(originText(path, setting, paths.configFile));
  if (setting.value !== undefined) out(valueText(setting.value));
  return EXIT.fine;
}

function originText(path: string, { value, from }: SettingInForce, file: string): string {
  if (value === undefined) return `${path} is not set and has no default.`;
  if (from === "file") return `${path} comes from ${file}:`;
  return from === "preset" ? `${path} is built in for this provider:` : `${path} has its default value:`;
}

/** Texts are printed raw for scripts, everything else as TOML. */
function valueText(value: unknown): string {
  if (typeof value === "string") return redactAddress(value);
  if (!isTable(value)) return redactAddress(tomlValue(value));
  return Object.entries(value)
    .map(([key, inner]) => `${tomlKey(key)} = ${redactAddress(tomlValue(inner))}`)
    .join("\n");
}

function clean(_key: string, value: unknown): unknown {
  return typeof value === "string" ? redactAddress(value) : value;
}

/** An address may contain a login; nothing else in config.toml is secret. */
function redactAddress(text: string): string {
  return text.includes("://") ? redact(text, []) : text;
}

/** Kinds whose value is a number, true or false, or a table; all others are texts, quoted or not. */
const PLAIN: ReadonlySet<SettingKind> = new Set(["count", "number", "flag", "table"]);

/** Only parses; the schema checks later whether the setting allows the value. */
export function readSettingValue({ path, node }: FoundSetting, words: readonly string[]): unknown {
  const [word = "", ...more] = words;
  const { item } = bare(node);
  const isListOfTexts = item !== undefined && bare(item).type === "string";
  if (isListOfTexts) {
    const list = more.length === 0 ? tomlOf(word) : undefined;
    if (Array.isArray(list)) return list;
    return words.map(textOf).flatMap((text) => text.split(",").filter((part) => part !== ""));
  }
  if (more.length > 0) {
    throw usageFault(
      `${formatSettingPath(path)} takes one value, not ${words.length}.`,
      "Quote it if it has spaces.",
    );
  }
  const kind = metaOf(node)?.kind;
  if (kind !== undefined && !PLAIN.has(kind)) return textOf(word);
  return tomlOf(word) ?? word;
}

function textOf(word: string): string {
  const value = tomlOf(word);
  return typeof value === "string" ? value : word;
}

/** Undefined unless the text is exactly one TOML value. */
function tomlOf(word: string): unknown {
  try {
    const { value, ...others } = parseToml("VALUE", `value = ${word}`);
    return Object.keys(others).length === 0 ? value : undefined;
  } catch {
    return undefined;
  }
}

const CONFIG_SET_ARGS = {
  path: SETTING_ARG,
  value: {
    type: "positional",
    required: false,
    valueHint: "VALUE…",
    description: "Give a word, number, true, false, list or TOML value",
  },
  unset: { type: "boolean", description: "Remove the setting from config.toml" },
} satisfies ArgDefs;

export const configSetCommand = defineCommand({
  name: "set",
  about: "Change one setting in config.toml, keeping comments",
  examples: [
    { line: "orouter config set routing.strategy round-robin", does: "a word needs no quotes" },
    { line: "orouter config set providers.nvidia.rpm 30", does: "creates the table if needed" },
    {
      line: "orouter config set chains.coding ollama-cloud/gpt-oss:120b nvidia/openai/gpt-oss-120b",
      does: "a list as several words, or as TOML in quotes",
    },
    { line: "orouter config set routing.strategy --unset", does: "restores the default" },
  ],
  args: CONFIG_SET_ARGS,
  run: set,
  children: {},
  rest: true,
});

const PATH = ["orouter", "config", "set"];

async function set(args: ArgsOf<typeof CONFIG_SET_ARGS>): Promise<number> {
  const words = args._.slice(1);
  const asked = args.path;
  if ([asked, ...words].some(looksLikeSecret)) throw secretInWords();
  const found = namedSetting(asked);
  const isUnset = args.unset === true;
  if (isUnset && words.length > 0) throw usageProblem("--unset takes no value.", PATH);
  if (!isUnset && words.length === 0) throw usageProblem(`${PATH.join(" ")} needs VALUE or --unset.`, PATH);
  return isUnset ? await unset(found) : await setTo(found, readSettingValue(found, words));
}

async function setTo({ path }: FoundSetting, value: unknown): Promise<number> {
  const paths = resolvePaths(process.env);
  const isNew = await editConfig(paths, (file) => withValueAt(file, path, value));
  const line = `${formatSettingPath(path)} = ${tomlValue(value)}`;
  if (isNew) talk.success(`Set ${line} in ${paths.configFile}.`);
  else talk.info(`Already set: ${line}`);
  for (const warning of (await loadConfig(paths)).warnings) talk.warn(warning);
  return EXIT.fine;
}

async function unset({ path }: FoundSetting): Promise<number> {
  const paths = resolvePaths(process.env);
  const isNew = await editConfig(paths, (file) =>
    valueAt(file, path) === undefined ? file : withValueAt(file, path, undefined),
  );
  const name = formatSettingPath(path);
  if (isNew) talk.success(`Removed ${name} from ${paths.configFile}.`);
  else talk.info(`${name} is not in ${paths.configFile}.`);
  return EXIT.fine;
}

type Table = Record<string, unknown>;

interface Line {
  text: string;
  isWritten: boolean;
}

const MARK = "  # from config.toml";

export function settingsText(written: Table, settings: Settings): string {
  const rows = settingRows();
  const sections = [
    section("", linesOf(rows, "", written)),
    ...["routing", "routing.cooldown"].map((name) => plainSection(name, rows, written)),
    ...providerSections(rows, written, settings),
    ...["models_dev", "opencode", "limits", "state"].map((name) => plainSection(name, rows, written)),
    ...["chains", "fallbacks"].map((name) => freeSection(name, tableIn(written[name]))),
    ...["models", "rules"].flatMap((name) => listSections(name, rows, written)),
  ];
  return sections.filter((text) => text !== "").join("\n\n");
}

function plainSection(name: string, rows: readonly SettingRow[], written: Table): string {
  const table = name.split(".").reduce((value, key) => tableIn(value[key]), written);
  return section(`[${name}]`, linesOf(rows, `${name}.`, table));
}

/** Shows providers merged with their presets, since that is what is in force. */
function providerSections(rows: readonly SettingRow[], written: Table, settings: Settings): string[] {
  const tables = tableIn(written["providers"]);
  const used = allProviders(settings).filter(({ id }) => Object.hasOwn(tables, id));
  return used.map((provider) => {
    const own = tableIn(tables[provider.id]);
    const inForce = { name: provider.name, base_url: provider.baseUrl, api: provider.api, rpm: provider.rpm };
    const lines = linesOf(rows, "providers.<id>.", own, inForce);
    return section(`[providers.${tomlKey(provider.id)}]`, lines);
  });
}

/** Tables whose keys are chosen by the user. */
function freeSection(name: string, table: Table): string {
  const lines = Object.entries(table).map(([key, value]) => line(key, value, true));
  return lines.length === 0 ? "" : section(`[${name}]`, lines);
}

function listSections(name: string, rows: readonly SettingRow[], written: Table): string[] {
  const list = Array.isArray(written[name]) ? written[name] : [];
  return list.map((entry) => section(`[[${name}]]`, linesOf(rows, `${name}[].`, tableIn(entry))));
}

function linesOf(rows: readonly SettingRow[], prefix: string, table: Table, inForce: Table = {}): Line[] {
  return rows.flatMap((row) => {
    const key = row.path.startsWith(prefix) ? row.path.slice(prefix.length) : "";
    // Deeper settings have their own tables.
    if (key === "" || /[.[<]/.test(key) || hasOwnTable(row)) return [];
    if (Object.hasOwn(table, key)) return [line(key, inForce[key] ?? table[key], true)];
    if (inForce[key] !== undefined) return [line(key, inForce[key], false)];
    return row.defaultText === "" ? [] : [{ text: `${tomlKey(key)} = ${row.defaultText}`, isWritten: false }];
  });
}

function hasOwnTable(row: SettingRow): boolean {
  return row.kind === "table" && row.path !== "models_dev.provider_aliases";
}

function line(key: string, value: unknown, isWritten: boolean): Line {
  return { text: `${tomlKey(key)} = ${redactAddresses(tomlValue(value))}`, isWritten };
}

/** An address may contain a login; nothing else in config.toml is secret. */
function redactAddresses(text: string): string {
  return text.includes("://") ? redact(text, []) : text;
}

function section(header: string, lines: readonly Line[]): string {
  const width = Math.max(0, ...lines.filter((one) => one.isWritten).map(({ text }) => Bun.stringWidth(text)));
  const body = lines.map(({ text, isWritten }) =>
    isWritten ? text + " ".repeat(width - Bun.stringWidth(text)) + MARK : text,
  );
  return [header, ...body].filter((text) => text !== "").join("\n");
}

function tableIn(value: unknown): Table {
  return isTable(value) ? value : {};
}

const CONFIG_SHOW_ARGS = {
  json: { type: "boolean", description: "Print the settings as one object" },
} satisfies ArgDefs;

export const configShowCommand = defineCommand({
  name: "show",
  about: "List the settings in effect and those from config.toml",
  examples: [
    { line: "orouter config show", does: "as a complete config.toml" },
    { line: "orouter config show --json", does: "as one object, durations in milliseconds" },
  ],
  args: CONFIG_SHOW_ARGS,
  run: show,
  children: {},
});

async function show(args: ArgsOf<typeof CONFIG_SHOW_ARGS>): Promise<number> {
  const paths = resolvePaths(process.env);
  const { settings, warnings } = await loadConfig(paths);
  for (const warning of warnings) talk.warn(warning);
  if (args.json === true) {
    outJson(JSON.parse(JSON.stringify(settings, plain)));
    return EXIT.fine;
  }
  const file = await readToml(paths.configFile);
  say(
    file === undefined
      ? `${paths.configFile} does not exist: these are the defaults.`
      : `Marked settings come from ${paths.configFile}; all others are defaults.`,
  );
  out(settingsText(file?.value ?? {}, settings));
  return EXIT.fine;
}

/** Print patterns as written and leave out logins in addresses. */
function plain(_key: string, value: unknown): unknown {
  if (value instanceof RegExp) return String(value);
  return typeof value === "string" && value.includes("://") ? redact(value, []) : value;
}
