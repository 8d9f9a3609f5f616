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
  // A comment may stand before the comma.
  const isPlain = comma === undefined || text.slice(end, comma).trim() === "";
  const until = comma !== undefined && isPlain ? comma + 1 : end;
  const first = lineStart(text, offset);
  const rest = /^[ \t]*(\r\n|\r|\n)?/.exec(text.slice(until));
  const isAlone = isPlain && text.slice(first, offset).trim() === "" && rest?.[1] !== undefined;
  const from = isAlone ? first : blankStart(text, first, offset);
  const whole = { offset: from, length: until + (isAlone ? rest[0].length : 0) - from, content: "" };
  return isPlain ? [whole] : [whole, { offset: comma, length: 1, content: "" }];
}

/** The blanks ahead of a property go with it, unless they indent its line. */
function blankStart(text: string, first: number, offset: number): number {
  const ahead = text.slice(first, offset);
  return ahead.trim() === "" ? offset : first + ahead.trimEnd().length;
}
