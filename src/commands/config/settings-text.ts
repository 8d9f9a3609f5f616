import { redact } from "../../core/redact.ts";
import { isTable } from "../../core/settings/setting-faults.ts";
import { allProviders, type Settings } from "../../core/settings/settings.ts";
import { type SettingRow, settingRows } from "../../core/settings/settings-docs.ts";
import { tomlKey, tomlValue } from "../../core/settings/toml-value.ts";

type Table = Record<string, unknown>;

/** A line of a table, and whether it stands in the file. */
interface Line {
  text: string;
  isWritten: boolean;
}

const MARK = "  # from config.toml";

/** The settings in force as TOML; `written` is the value of config.toml. */
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

/** Providers as they are used: what a preset adds is in force as well. */
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

/** Tables whose keys are the user's own words. */
function freeSection(name: string, table: Table): string {
  const lines = Object.entries(table).map(([key, value]) => line(key, value, true));
  return lines.length === 0 ? "" : section(`[${name}]`, lines);
}

function listSections(name: string, rows: readonly SettingRow[], written: Table): string[] {
  const list = Array.isArray(written[name]) ? written[name] : [];
  return list.map((entry) => section(`[[${name}]]`, linesOf(rows, `${name}[].`, tableIn(entry))));
}

/** The settings of one table: from the file, else what is in force without it. */
function linesOf(rows: readonly SettingRow[], prefix: string, table: Table, inForce: Table = {}): Line[] {
  return rows.flatMap((row) => {
    const key = row.path.startsWith(prefix) ? row.path.slice(prefix.length) : "";
    // Deeper settings belong to tables of their own.
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

/** An address may carry a login; nothing else in config.toml is a secret. */
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
