import type { Edit, Node } from "jsonc-parser";
import { jsoncGap } from "./jsonc-gap.ts";
import { type Property, propertiesOf } from "./jsonc-node.ts";
import { lineStart } from "./jsonc-style.ts";

/** The edits that take properties out of an object, each with its comma. Comments around them stay. */
export function removeEdits(text: string, object: Node, isWanted: (key: string) => boolean): Edit[] {
  const properties = propertiesOf(object);
  if (properties.every(({ key }) => isWanted(key))) return [];
  const close = object.offset + object.length - 1;
  const commas = properties.map(
    ({ end }, at) => jsoncGap(text, end, properties[at + 1]?.offset ?? close).comma,
  );
  const edits = properties.flatMap((property, at) =>
    isWanted(property.key) ? [] : cut(text, property, commas[at]),
  );
  const lastKept = properties.findLastIndex(({ key }) => isWanted(key));
  const comma = commas[lastKept];
  // Whoever ends a list without a comma shall not find one there now.
  const mustDropComma = lastKept < properties.length - 1 && commas.at(-1) === undefined;
  return comma === undefined || !mustDropComma
    ? edits
    : [...edits, { offset: comma, length: 1, content: "" }];
}

function cut(text: string, { offset, end }: Property, comma: number | undefined): Edit[] {
  // A comment may stand before the comma, and stays.
  const isPlain = comma === undefined || text.slice(end, comma).trim() === "";
  const until = comma !== undefined && isPlain ? comma + 1 : end;
  const whole = widen(text, offset, until);
  return isPlain ? [whole] : [whole, { offset: comma, length: 1, content: "" }];
}

/** Takes the whole line where nothing else is on it, and else the blanks ahead, or behind where it begins the line. */
function widen(text: string, offset: number, end: number): Edit {
  const first = lineStart(text, offset);
  const ahead = text.slice(first, offset);
  const [blanks = "", lineEnd] = /^[ \t]*(\r\n|\r|\n)?/.exec(text.slice(end)) ?? [];
  if (ahead.trim() !== "") {
    const from = first + ahead.trimEnd().length;
    return { offset: from, length: end - from, content: "" };
  }
  const from = lineEnd === undefined ? offset : first;
  return { offset: from, length: end + blanks.length - from, content: "" };
}
