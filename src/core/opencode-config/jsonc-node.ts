import { getNodeValue, type Node } from "jsonc-parser";

/** A property of an object, with both its halves. */
export interface Property {
  key: string;
  value: Node;
  offset: number;
  end: number;
}

/** The properties of an object; none for any other value. */
export function propertiesOf(object: Node | undefined): Property[] {
  if (object?.type !== "object") return [];
  return (object.children ?? []).flatMap((property) => {
    const [key, value] = property.children ?? [];
    if (key === undefined || value === undefined) return [];
    return [
      { key: String(key.value), value, offset: property.offset, end: property.offset + property.length },
    ];
  });
}

/** What a name in an object stands for. Of a name that is there twice the last counts: so does every reader of JSON. */
export function valueIn(object: Node | undefined, key: string): Node | undefined {
  return propertiesOf(object).findLast((property) => property.key === key)?.value;
}

/** The value at the end of a path of names. */
export function valueAt(root: Node | undefined, path: readonly string[]): Node | undefined {
  return path.reduce(valueIn, root);
}

/** A text value; undefined for all others. */
export function textOf(node: Node | undefined): string | undefined {
  const value: unknown = node?.type === "string" ? getNodeValue(node) : undefined;
  return typeof value === "string" ? value : undefined;
}
