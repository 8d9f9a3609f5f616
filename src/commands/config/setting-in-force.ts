import { didYouMean, nearest } from "../../core/nearest.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { type FoundSetting, findSetting } from "../../core/settings/find-setting.ts";
import { bare, metaOf, type SchemaNode } from "../../core/settings/schema-walk.ts";
import { isTable } from "../../core/settings/setting-faults.ts";
import { formatSettingPath, type SettingPath } from "../../core/settings/setting-path.ts";
import { valueAt } from "../../core/settings/setting-value.ts";
import { providerOf, type Settings } from "../../core/settings/settings.ts";
import { findProvider } from "../keys/find-provider.ts";

/** A value as config.toml would have it, and who says so; of a table: the file, where any of it stands there. */
export interface SettingInForce {
  /** Undefined where nothing holds. */
  value: unknown;
  from: "file" | "preset" | "default";
}

/** What the file says, and what comes of it. */
export interface ReadSettings {
  written: Record<string, unknown>;
  settings: Settings;
}

/** The setting that a person names; an unknown one is a Problem with the nearest there is. */
export function namedSetting(text: string): FoundSetting {
  const found = findSetting(text);
  if ("path" in found) return found;
  throw new Problem({
    code: "unknown-setting",
    what: `There is no setting ${JSON.stringify(text)}.${didYouMean(found.near)}`,
    fix: "See all of them: orouter config show",
    exit: EXIT.usage,
  });
}

/** What holds at a path: what the file says, else what is known of a provider, else the default. */
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

/** What a provider goes by, its own words and its preset's joined: an address comes out as it is used. */
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

/** A name of the user's own that the file does not have: a chain, a provider, an entry of a list. */
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
    fix: "See what it has: orouter config show",
    exit: EXIT.usage,
  });
}
