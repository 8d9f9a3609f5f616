import { EXIT, Problem } from "../problem.ts";
import { nearest } from "../text.ts";
import { isTable } from "./checks.ts";
import { bare, CONFIG, childOf, metaOf, type SchemaNode } from "./schema.ts";
import type { SettingKind, SettingPath } from "./setting-kinds.ts";

export interface SettingRow {
  /** `routing.fail_window`, `providers.<id>.rpm`, `models[].match`. */
  path: string;
  kind: SettingKind;
  /** As written in the file; empty if there is no default. */
  defaultText: string;
  allowed: string;
  help: string;
}

/** In the order of the file, tables before their settings. */
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
  // A list of plain texts needs no rows for its items.
  return item?.type === "object" ? [...own, ...rowsOf(item, `${path}[]`)] : own;
}

export interface FoundSetting {
  path: SettingPath;
  node: SchemaNode;
}

/** One step of a path: a name after its dot, bare or quoted, or an index. */
const STEP = /\.(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^.[\]"']+))|\[(\d+)\]/y;

/**
 * Finds a setting by the path that a user types: `routing.strategy`, `models[0].context`. The dots in a model's name
 * need no quotes: `fallbacks.ollama-cloud/kimi-k2.6`. If there is none, returns the most similar path.
 */
export function findSetting(text: string): FoundSetting | { near: string | undefined } {
  const steps = stepsOf(text);
  return (steps === undefined ? undefined : follow(steps)) ?? { near: nearPath(text) };
}

function follow(steps: SettingPath): FoundSetting | undefined {
  let node: SchemaNode = CONFIG;
  const path: (string | number)[] = [];
  for (let at = 0; at < steps.length; ) {
    const isName = hasPlainNames(node);
    const end = isName ? steps.findIndex((step, index) => index >= at && typeof step === "number") : at + 1;
    const taken = steps.slice(at, end < 0 ? undefined : end);
    const step = isName ? taken.join(".") : taken[0];
    if (step === undefined || step === "" || (typeof step === "number") !== (bare(node).item !== undefined))
      return undefined;
    const child: SchemaNode | undefined = childOf(node, step);
    if (child === undefined) return undefined;
    node = child;
    path.push(step);
    at += taken.length;
  }
  return { path, node };
}

/** Whether the table's keys are chosen by the user and have plain values. */
function hasPlainNames(node: SchemaNode): boolean {
  const { value } = bare(node);
  return value !== undefined && bare(value).entries === undefined;
}

function stepsOf(text: string): SettingPath | undefined {
  const steps: (string | number)[] = [];
  const dotted = `.${text}`;
  for (STEP.lastIndex = 0; STEP.lastIndex < dotted.length; ) {
    const found = STEP.exec(dotted);
    if (found === null) return undefined;
    const [, double, single, plain, index] = found;
    const name = double === undefined ? (single ?? plain) : unescaped(double);
    if (name === undefined && index === undefined) return undefined;
    steps.push(name ?? Number(index));
  }
  return steps;
}

function unescaped(text: string): string | undefined {
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return undefined;
  }
}

/** Finds `routing.strategy` for `strategy` and for `routng.strategy`. */
function nearPath(text: string): string | undefined {
  const [, word = ""] = text.split(".");
  const owner = /^[\w-]+$/.test(word) ? word : "NAME";
  const paths = settingRows().map((row) => row.path.replace(/<\w+>/, owner).replace("[]", "[0]"));
  const close = nearest(text, paths);
  if (close !== undefined) return close;
  const last = text.split(".").at(-1) ?? text;
  const nearLast = nearest(last, new Set(paths.map(lastOf)));
  return paths.find((path) => lastOf(path) === nearLast);
}

function lastOf(path: string): string {
  return path.split(".").at(-1) ?? path;
}

export function valueAt(root: unknown, path: SettingPath): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof step === "number") return Array.isArray(value) ? value[step] : undefined;
    return isTable(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }, root);
}

/** Undefined removes the value. */
export function withValueAt(file: Record<string, unknown>, path: SettingPath, value: unknown) {
  const changed = changedAt(file, path, value);
  return isTable(changed) ? changed : {};
}

function changedAt(old: unknown, [step, ...rest]: SettingPath, value: unknown): unknown {
  if (step === undefined) return value;
  if (typeof step === "number") {
    const list: unknown[] = Array.isArray(old) ? old : [];
    if (step >= list.length) throw noSuchEntry(step, list.length);
    return list.flatMap((item, at) => (at === step ? (changedAt(item, rest, value) ?? []) : [item]));
  }
  const { [step]: inner, ...others } = isTable(old) ? old : {};
  const changed = changedAt(inner, rest, value);
  if (changed === undefined) return others;
  // Keep the position of the key in its table.
  return isTable(old) ? { ...old, [step]: changed } : { [step]: changed };
}

function noSuchEntry(index: number, length: number): Problem {
  return new Problem({
    code: "unknown-setting",
    what: `There is no entry [${index}]: the list has ${length}, and the first is [0].`,
    fix: "A new entry is best written by hand; see: orouter config path",
    exit: EXIT.usage,
  });
}

/** In TOML's notation. */
export function tomlValue(value: unknown): string {
  if (value instanceof Date) return String(value);
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(", ")}]`;
  if (!isTable(value)) return typeof value === "string" ? tomlText(value) : String(value);
  const pairs = Object.entries(value).map(([key, inner]) => `${tomlKey(key)} = ${tomlValue(inner)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}

/** Quoted only if needed. */
export function tomlKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : tomlText(key);
}

/** JSON's quoting is valid TOML, except for one control character. */
function tomlText(text: string): string {
  return JSON.stringify(text).replaceAll("\x7f", "\\u007f");
}
