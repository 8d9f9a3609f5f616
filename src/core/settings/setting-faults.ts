import * as v from "valibot";
import { nearest } from "../nearest.ts";
import { redact } from "../redact.ts";
import { bare, childOf, metaAt, type SchemaNode } from "./schema-walk.ts";
import type { SettingKind } from "./setting-kinds.ts";
import { formatSettingPath, type SettingPath } from "./setting-path.ts";

/** One thing that is wrong in a file. */
export interface SettingFault {
  path: SettingPath;
  /** A sentence without its full stop; it never holds a secret. */
  what: string;
  /** What would be right. */
  allowed?: string;
}

/** What a value of the wrong kind is called. A text may be a misplaced secret: only harmless kinds show theirs. */
const SHOWN: ReadonlySet<SettingKind> = new Set(["choice", "duration", "count", "number", "flag"]);

/** The longest value that a message repeats. */
const SHOWN_CHARS = 40;

/** Whether faults may repeat the values they are about; those of a file of secrets may not. */
export type Showing = "values" | "no-values";

/** Checks a parsed file against its schema and names everything that is wrong. */
export function readSchema<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  showing: Showing,
): { output: v.InferOutput<Schema> | undefined; faults: SettingFault[] } {
  const loose = looseFaults(schema, value, []);
  const result = v.safeParse(schema, value);
  if (result.success) return { output: result.output, faults: loose };
  return {
    output: undefined,
    faults: [...loose, ...distinct(result.issues.map((issue) => toFault(schema, issue, showing)))],
  };
}

/** Whether a value is a table, as opposed to a list, a date or anything plain. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function toFault(schema: SchemaNode, issue: v.BaseIssue<unknown>, showing: Showing): SettingFault {
  const path = (issue.path ?? []).map((item) => (typeof item.key === "number" ? item.key : String(item.key)));
  const last = issue.path?.at(-1);
  const value: unknown = last === undefined ? issue.input : last.value;
  const meta = metaAt(schema, path);
  const where = formatSettingPath(path);
  const isMissing = value === undefined;
  const shown = show(value, showing === "values" ? meta?.kind : undefined);
  const what = isMissing ? `${where} is missing` : `${where || "the file"} cannot be ${shown}`;
  return meta === undefined ? { path, what } : { path, what, allowed: meta.allowed };
}

function show(value: unknown, kind: SettingKind | undefined): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (isTable(value)) return "a table";
  if (value instanceof Date) return "a date";
  if (typeof value !== "string") return kind === undefined ? `a ${typeof value}` : String(value);
  if (value === "") return "empty";
  if (kind === undefined || !SHOWN.has(kind) || value.length > SHOWN_CHARS) return "this text";
  return redact(value, []) === value ? JSON.stringify(value) : "this text";
}

/** A piped value may break several bounds at once; a person needs to hear of it once. */
function distinct(faults: readonly SettingFault[]): SettingFault[] {
  return [...new Map(faults.map((fault) => [formatSettingPath(fault.path), fault])).values()];
}

/** What the schema library lets pass: keys it does not know, and lists and dates where a table belongs. */
function looseFaults(node: SchemaNode, value: unknown, path: SettingPath): SettingFault[] {
  const { entries, item, type } = bare(node);
  if (Array.isArray(value) && item !== undefined) {
    return value.flatMap((inner, index) => below(node, index, inner, path));
  }
  if (type !== "object" && type !== "record") return [];
  if (!isTable(value)) {
    if (typeof value !== "object" || value === null) return [];
    return [
      { path, what: `${formatSettingPath(path)} cannot be ${show(value, undefined)}`, allowed: "a table" },
    ];
  }
  return Object.entries(value).flatMap(([key, inner]) => {
    if (entries === undefined || Object.hasOwn(entries, key)) return below(node, key, inner, path);
    return [unknownKey(Object.keys(entries), key, path)];
  });
}

function below(node: SchemaNode, step: string | number, value: unknown, path: SettingPath): SettingFault[] {
  const child = childOf(node, step);
  return child === undefined ? [] : looseFaults(child, value, [...path, step]);
}

function unknownKey(known: readonly string[], key: string, path: SettingPath): SettingFault {
  const guess = nearest(key, known);
  const what = `${formatSettingPath([...path, key])} is not a setting`;
  return {
    path: [...path, key],
    what: guess === undefined ? what : `${what}; did you mean ${guess}?`,
    allowed: known.join(", "),
  };
}
