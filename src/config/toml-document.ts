import { parse, parseDocument, patch, stringify } from "@decimalturn/toml-patch";
import { isTable } from "../core/settings/checks.ts";
import type { SettingPath } from "../core/settings/setting-kinds.ts";
import { tomlKey } from "../core/settings/setting-names.ts";

/** Both counted from 1. */
export interface Position {
  line: number;
  column: number;
}

interface Node {
  readonly type: string;
  readonly loc: { readonly start: Position };
  readonly key?: Node;
  readonly value?: unknown;
  readonly item?: Node;
  readonly items?: readonly Node[];
}

/** For a missing value, the position of the nearest enclosing one. */
export function positionFinder(text: string): (path: SettingPath) => Position | undefined {
  const places = placesIn(parseDocument(text).cst);
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const place = places.get(JSON.stringify(path.slice(0, length)));
      if (place !== undefined) return place;
    }
    return undefined;
  };
}

function placesIn(blocks: readonly Node[]): Map<string, Position> {
  const places = new Map<string, Position>();
  /** The number of elements so far of each array of tables: a header below it means the last one. */
  const elements = new Map<string, number>();

  const mark = (path: SettingPath, node: Node): void => {
    const key = JSON.stringify(path);
    const { line, column } = node.loc.start;
    // Keep the first mention; headers below may name the table again.
    if (!places.has(key)) places.set(key, { line, column: column + 1 });
  };
  const descend = (from: SettingPath, key: Node | undefined): SettingPath => {
    let path = from;
    for (const part of partsOf(key)) {
      path = [...path, part];
      if (key !== undefined) mark(path, key);
      const count = elements.get(JSON.stringify(path));
      if (count !== undefined) path = [...path, count - 1];
    }
    return path;
  };
  const openElement = (key: Node | undefined): SettingPath => {
    const parts = partsOf(key);
    const parent = descend([], key === undefined ? undefined : { ...key, value: parts.slice(0, -1) });
    const list = [...parent, parts.at(-1) ?? ""];
    const index = elements.get(JSON.stringify(list)) ?? 0;
    elements.set(JSON.stringify(list), index + 1);
    if (key !== undefined) {
      mark(list, key);
      mark([...list, index], key);
    }
    return [...list, index];
  };
  const visit = (node: Node, path: SettingPath): void => {
    if (node.type === "KeyValue") visitValue(node.value, descend(path, node.key));
    else if (node.type === "Table") visitAll(node.items, descend(path, node.key?.item));
    else if (node.type === "TableArray") visitAll(node.items, openElement(node.key?.item));
  };
  const visitAll = (nodes: readonly Node[] | undefined, path: SettingPath): void => {
    for (const node of nodes ?? []) visit(node, path);
  };
  const visitValue = (value: unknown, path: SettingPath): void => {
    if (!isNode(value)) return;
    for (const [index, { item }] of (value.items ?? []).entries()) {
      if (item === undefined) continue;
      if (value.type === "InlineTable") visit(item, path);
      else {
        mark([...path, index], item);
        visitValue(item, [...path, index]);
      }
    }
  };
  visitAll(blocks, []);
  return places;
}

function isNode(value: unknown): value is Node {
  return isTable(value) && "type" in value && "loc" in value;
}

function partsOf(key: Node | undefined): string[] {
  return Array.isArray(key?.value) ? key.value.map(String) : [];
}

/** Parses the way `patchToml` compares. */
export function parseForEdit(text: string): Record<string, unknown> {
  return parse(text);
}

/** The style of new lists; by default the patcher imitates the first list in the file. */
const NEW_VALUES = { trailingComma: false, bracketSpacing: false };

/**
 * Keeps comments and order. The result is always parsed and compared, so that a bug in the patcher never reaches a
 * file; undefined if they differ.
 */
export function patchToml(text: string, updated: Record<string, unknown>): string | undefined {
  const current = parseForEdit(text);
  if (Bun.deepEquals(current, updated)) return text;
  // The patcher takes time with the square of the length, so it runs only if it is needed.
  for (const attempt of [
    () => patchAndAppend(text, current, updated),
    () => patch(text, updated, NEW_VALUES),
  ]) {
    const result = attemptOf(attempt, text);
    if (result !== undefined && means(result, updated)) return result;
  }
  return undefined;
}

function attemptOf(attempt: () => string, text: string): string | undefined {
  try {
    return withOpening(text, attempt());
  } catch {
    return undefined;
  }
}

function means(text: string, value: Record<string, unknown>): boolean {
  try {
    return Bun.deepEquals(parseForEdit(text), value);
  } catch {
    return false;
  }
}

/** New tables go to the end with their own headers; the patcher alone would make them inline or fail. */
function patchAndAppend(
  text: string,
  current: Record<string, unknown>,
  updated: Record<string, unknown>,
): string {
  const kept: Record<string, unknown> = {};
  const sections: string[] = [];
  for (const [key, value] of Object.entries(updated)) {
    const old = current[key];
    if (old === undefined && isSection(value)) sections.push(...render([key], value));
    else if (isTable(old) && isTable(value)) {
      const isNew = ([name, inner]: [string, unknown]) => !Object.hasOwn(old, name) && isTable(inner);
      const entries = Object.entries(value);
      kept[key] = Object.fromEntries(entries.filter((entry) => !isNew(entry)));
      sections.push(...entries.filter(isNew).flatMap(([name, inner]) => render([key, name], inner)));
    } else if (
      isListOfTables(old) &&
      isListOfTables(value) &&
      Bun.deepEquals(value.slice(0, old.length), old)
    ) {
      kept[key] = old;
      sections.push(...render([key], value.slice(old.length)));
    } else kept[key] = value;
  }
  const isKept = Bun.deepEquals(kept, current);
  const patched = (isKept ? text : patch(text, kept, NEW_VALUES)).trimEnd();
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const parts = patched === "" ? sections : [patched, ...sections];
  return `${parts.join("\n\n").replaceAll(/\r?\n/g, newline)}${newline}`;
}

function isSection(value: unknown): boolean {
  return isTable(value) || isListOfTables(value);
}

function isListOfTables(value: unknown): value is Record<string, unknown>[] {
  return Array.isArray(value) && value.length > 0 && value.every(isTable);
}

/** Deeper tables than `[a.b]` are written inline. */
const HEADER_DEPTH = 2;

function render(path: readonly string[], value: unknown): string[] {
  const name = path.map(tomlKey).join(".");
  if (isListOfTables(value)) return value.map((element) => `[[${name}]]\n${renderBody(element)}`.trimEnd());
  if (!isTable(value)) return [];
  const entries = Object.entries(value);
  const inner = path.length < HEADER_DEPTH ? entries.filter(([, child]) => isTable(child)) : [];
  const own = entries.filter((entry) => !inner.includes(entry));
  const sections = inner.flatMap(([key, child]) => render([...path, key], child));
  if (own.length === 0 && sections.length > 0) return sections;
  return [`[${name}]\n${renderBody(Object.fromEntries(own))}`.trimEnd(), ...sections];
}

function renderBody(table: Record<string, unknown>): string {
  return stringify(table, { inlineTableStart: 0, bracketSpacing: false });
}

/** A comment at the start belongs to the file, even if the patcher attaches it to the first table. */
function withOpening(text: string, result: string): string {
  const opening = /^(?:[ \t]*#[^\n]*\n)+/.exec(text)?.[0];
  if (opening === undefined || result.includes(opening)) return result;
  const rest = result.trimStart();
  const blankLine = opening.endsWith("\r\n") ? "\r\n" : "\n";
  return rest === "" ? opening : `${opening}${blankLine}${rest}`;
}
