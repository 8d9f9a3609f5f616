import { bare, metaOf, type SchemaNode } from "./schema-walk.ts";
import type { SettingKind } from "./setting-kinds.ts";
import { CONFIG } from "./settings-schema.ts";

/** One setting as help and docs list it. */
export interface SettingRow {
  /** `routing.fail_window`, `providers.<id>.rpm`, `models[].match`. */
  path: string;
  kind: SettingKind;
  /** As one would write it in the file; empty: there is none. */
  defaultText: string;
  allowed: string;
  help: string;
}

/** Every setting of config.toml, tables before what is in them, in the order of the file. */
export function settingRows(): SettingRow[] {
  return rowsOf(CONFIG, "");
}

function rowsOf(node: SchemaNode, path: string): SettingRow[] {
  const meta = metaOf(node);
  const own = meta === undefined || path === "" ? [] : [{ path, ...meta }];
  const { entries, value, item } = bare(node);
  if (entries !== undefined) {
    const prefix = path === "" ? "" : `${path}.`;
    return [...own, ...Object.entries(entries).flatMap(([key, child]) => rowsOf(child, `${prefix}${key}`))];
  }
  if (value?.type === "object") return [...own, ...rowsOf(value, `${path}.<id>`)];
  if (value !== undefined) return [...own, ...rowsOf(value, `${path}.<name>`)];
  // A list of plain texts says all about itself in its own row.
  return item?.type === "object" ? [...own, ...rowsOf(item, `${path}[]`)] : own;
}
