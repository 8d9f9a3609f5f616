import * as v from "valibot";

/** A shape that several others share. */
export interface NamedType {
  type: string;
  says: string | undefined;
}

/** What is read of a schema; valibot's own types name each kind apart. */
interface Node {
  type: string;
  entries?: Record<string, v.GenericSchema>;
  options?: readonly unknown[];
  wrapped?: v.GenericSchema;
  item?: v.GenericSchema;
  value?: unknown;
  literal?: unknown;
}

const INDENT = "  ";

/** A schema as a type of TypeScript, for people to read; the shapes with names of their own are put into `names`. */
export function typeText(schema: v.GenericSchema, names: Map<string, NamedType>, depth = 0): string {
  const name = v.getTitle(schema);
  if (name === undefined) return plainText(schema, names, depth);
  if (!names.has(name)) {
    // Its place is taken first, so that what it needs itself comes behind it.
    names.set(name, { type: "", says: undefined });
    names.set(name, { type: plainText(schema, names, 0), says: v.getDescription(schema) });
  }
  return name;
}

function plainText(schema: v.GenericSchema, names: Map<string, NamedType>, depth: number): string {
  const node = schema as unknown as Node;
  const inner = (child: v.GenericSchema) => typeText(child, names, depth);
  switch (node.type) {
    case "strict_object":
      return objectText(node.entries ?? {}, names, depth);
    case "array":
      return arrayText(inner(node.item ?? v.unknown()));
    case "record":
      return `{ [name: string]: ${inner(node.value as v.GenericSchema)} }`;
    case "nullable":
      return `${inner(node.wrapped ?? v.unknown())} | null`;
    case "optional":
      return inner(node.wrapped ?? v.unknown());
    case "picklist":
      return (node.options ?? []).map((option) => JSON.stringify(option)).join(" | ");
    case "union":
      return (node.options ?? []).map((option) => inner(option as v.GenericSchema)).join(" | ");
    case "literal":
      return JSON.stringify(node.literal);
    default:
      return node.type;
  }
}

function arrayText(item: string): string {
  return item.includes(" | ") && !item.startsWith("{") ? `(${item})[]` : `${item}[]`;
}

function objectText(
  entries: Record<string, v.GenericSchema>,
  names: Map<string, NamedType>,
  depth: number,
): string {
  const indent = INDENT.repeat(depth + 1);
  const lines = Object.entries(entries).flatMap(([key, child]) => {
    const mark = child.type === "optional" ? "?" : "";
    const line = `${indent}${key}${mark}: ${typeText(child, names, depth + 1)};`;
    const says = saysOf(child);
    if (says === undefined) return [line];
    // The comment of a long type goes above it.
    return line.includes("\n") ? [`${indent}// ${says}`, line] : [`${line} // ${says}`];
  });
  return `{\n${lines.join("\n")}\n${INDENT.repeat(depth)}}`;
}

/** A shape with a name says in its own place what it is. */
function saysOf(schema: v.GenericSchema): string | undefined {
  const { wrapped } = schema as unknown as Node;
  if (v.getTitle(schema) !== undefined) return undefined;
  return v.getDescription(schema) ?? (schema.type === "optional" && wrapped ? saysOf(wrapped) : undefined);
}
