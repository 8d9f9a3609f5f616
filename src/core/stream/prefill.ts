import { type Dialect, dialectSpec } from "../dialect/registry.ts";
import { asArray, asObject, isObject, type JsonObject, parseJsonBytes } from "../json.ts";

/** The text of a broken answer, as a lane is asked to continue it. */
export interface Prefill {
  /** What the request ends with, as the beginning of the model's own answer. */
  shown: string;
  /** The last words. An answer that begins with them continues the text; nothing else is taken for it. */
  withheld: string;
}

/** A space and two letters: no answer that starts anew begins with just these. */
const LEAST_WITHHELD = 4;

/** A text without spaces is cut only if enough of it is left to continue. */
const LEAST_UNSPACED = 12;

/** How a text can be continued with proof; undefined if it is too short for one. */
export function prefillOf(sent: string): Prefill | undefined {
  const cut = cutOf(sent);
  const [shown, withheld] = [sent.slice(0, cut), sent.slice(cut)];
  // An answer that starts anew would look like one that continues.
  return shown.trim() === "" || sent.startsWith(withheld) ? undefined : { shown, withheld };
}

/** The last words are looked for no further back. */
const WORDS_CHARS = 80;

/** Before the space in front of the last words: models write a space together with the word behind it. */
function cutOf(sent: string): number {
  const from = Math.max(0, sent.length - WORDS_CHARS);
  const spaces = [...sent.slice(from).matchAll(/\s+(?=\S)/g)].map(({ index }) => from + index);
  const space = spaces.findLast((at) => at > 0 && sent.length - at >= LEAST_WITHHELD);
  if (space !== undefined) return space;
  if (sent.length < LEAST_UNSPACED) return 0;
  const cut = sent.length - LEAST_WITHHELD;
  return isLowSurrogate(sent.charCodeAt(cut)) ? cut - 1 : cut;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** A field with which some services are told that the last turn is unfinished. */
export type UnfinishedMark = "prefix" | "partial";

/**
 * The body with one more turn, which the model is to continue; undefined if the dialect has no such thing, or if the
 * client itself has begun the answer.
 */
export function withPrefill(
  body: Uint8Array<ArrayBuffer>,
  dialect: Dialect,
  { shown }: Prefill,
  mark: UnfinishedMark | undefined,
): Uint8Array<ArrayBuffer> | undefined {
  const { field, unfinished } = dialectSpec(dialect).history;
  const request = unfinished === undefined ? undefined : parseJsonBytes(body);
  if (unfinished === undefined || !isObject(request)) return undefined;
  const turns = asArray(request[field]);
  if (turns.length === 0 || asObject(turns.at(-1))["role"] === "assistant") return undefined;
  const turn: JsonObject = mark === undefined ? unfinished(shown) : { ...unfinished(shown), [mark]: true };
  return new TextEncoder().encode(JSON.stringify({ ...request, [field]: [...turns, turn] }));
}
