import * as v from "valibot";
import type { SettingMeta } from "./setting-kinds.ts";

/** The parts of a schema that a walk needs; every table, list and leaf is one. */
export interface SchemaNode {
  readonly type: string;
  readonly entries?: Readonly<Record<string, SchemaNode>>;
  readonly value?: SchemaNode;
  readonly item?: SchemaNode;
  readonly wrapped?: SchemaNode;
}

/** A node without the wrapping that makes it optional. */
export function bare(node: SchemaNode): SchemaNode {
  return node.wrapped === undefined ? node : bare(node.wrapped);
}

/** The node that a key or place inside this one leads to. */
export function childOf(node: SchemaNode, step: string | number): SchemaNode | undefined {
  const { entries, value, item } = bare(node);
  if (item !== undefined) return item;
  if (value !== undefined) return value;
  return entries !== undefined && Object.hasOwn(entries, step) ? entries[step] : undefined;
}

/** What is said about a node; undefined for those that only group. */
export function metaOf(node: SchemaNode): SettingMeta | undefined {
  const found: Partial<SettingMeta> = v.getMetadata(node as v.GenericSchema);
  const { kind, help, allowed, defaultText } = found;
  if (kind === undefined || help === undefined || allowed === undefined) return undefined;
  return { kind, help, allowed, defaultText: defaultText ?? "" };
}

/** What is said about the value at a path, or about the nearest one around it. */
export function metaAt(root: SchemaNode, path: readonly (string | number)[]): SettingMeta | undefined {
  let node: SchemaNode | undefined = root;
  let meta = metaOf(root);
  for (const step of path) {
    node = childOf(node, step);
    if (node === undefined) return meta;
    meta = metaOf(node) ?? meta;
  }
  return meta;
}
