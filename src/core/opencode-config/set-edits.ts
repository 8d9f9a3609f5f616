import { type Edit, getNodeValue, type Node } from "jsonc-parser";
import { jsoncGap } from "./jsonc-gap.ts";
import { propertiesOf, valueIn } from "./jsonc-node.ts";
import { formatValue, indentAt, type JsoncStyle } from "./jsonc-style.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * The edits that bring a value into a text, in the place of the one that is there. Objects are gone into: what only the
 * text has stays, with its comments, and what is equal is not touched.
 */
export function setEdits(text: string, node: Node, value: unknown, style: JsoncStyle): Edit[] {
  if (!isFields(value) || node.type !== "object") {
    if (JSON.stringify(getNodeValue(node)) === JSON.stringify(value)) return [];
    return [
      {
        offset: node.offset,
        length: node.length,
        content: formatValue(value, style, indentAt(text, node.offset)),
      },
    ];
  }
  const missing: [string, unknown][] = [];
  const edits: Edit[] = [];
  for (const [key, inner] of Object.entries(value)) {
    const old = valueIn(node, key);
    if (old === undefined) missing.push([key, inner]);
    else edits.push(...setEdits(text, old, inner, style));
  }
  return missing.length === 0 ? edits : [...edits, ...insertEdits(text, node, missing, style)];
}

/**
 * Adds properties at the end of an object. jsonc-parser's own `modify` would do it too, but puts them between the last
 * value and the comment behind it, so that the comment seems to speak of what is new.
 */
function insertEdits(
  text: string,
  object: Node,
  fields: readonly [string, unknown][],
  style: JsoncStyle,
): Edit[] {
  const last = propertiesOf(object).at(-1);
  if (last === undefined) return fillEdits(text, object, fields, style);
  const close = object.offset + object.length - 1;
  const { comma, ownEnd } = jsoncGap(text, last.end, close);
  const base = indentAt(text, last.offset);
  // Where its neighbours share a line, so does what is new; its own inside may then not be broken either.
  const isInline = !/[\r\n]/.test(text.slice(object.offset, last.offset));
  const own = isInline ? { ...style, isOneLine: true } : style;
  const lead = isInline ? (style.isSpaced ? " " : "") : style.eol + base;
  const added = fields.map((field) => lead + propertyText(field, own, base)).join(",");
  // A line comment would swallow what follows it.
  const brake = isInline && /\/\/[^\r\n]*$/.test(text.slice(last.end, ownEnd)) ? style.eol + base : "";
  return [
    ...(comma === undefined ? [{ offset: last.end, length: 0, content: "," }] : []),
    { offset: ownEnd, length: 0, content: brake + added + (comma === undefined ? "" : ",") },
  ];
}

/** Fills an object that has no property yet; comments inside it stay ahead of what is new. */
function fillEdits(
  text: string,
  object: Node,
  fields: readonly [string, unknown][],
  style: JsoncStyle,
): Edit[] {
  const open = object.offset + 1;
  const close = object.offset + object.length - 1;
  const { commentEnd } = jsoncGap(text, open, close);
  const outer = indentAt(text, object.offset);
  const base = outer + style.indent;
  const [lead, tail] = style.isOneLine ? ["", ""] : [style.eol + base, style.eol + outer];
  const added = fields.map((field) => lead + propertyText(field, style, base)).join(",");
  return [{ offset: commentEnd, length: close - commentEnd, content: added + tail }];
}

function propertyText([key, value]: [string, unknown], style: JsoncStyle, base: string): string {
  const colon = style.isSpaced ? ": " : ":";
  return JSON.stringify(key) + colon + formatValue(value, style, base);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
