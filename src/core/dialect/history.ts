import { asArray, asObject, asText, type JsonObject } from "../json.ts";

/**
 * How much of a broken answer is removed from the copy of an agent's history that is sent to the provider. `empty`:
 * empty turns, which strict services refuse. `left-over`: also an unfinished last turn, and calls without results.
 * Other clients may end a history like this on purpose.
 */
export type Cleaning = "empty" | "left-over";

export interface HistoryRules {
  readonly field: string;
  /** A body without any of these texts needs no cleaning, so it is not parsed. */
  readonly hints: readonly string[];
  /** The remaining turns; unchanged ones are the same objects. */
  clean(turns: unknown[], cleaning: Cleaning): unknown[];
  /** A last turn for the model to continue; absent if no service of the dialect supports that. */
  readonly unfinished?: (text: string) => JsonObject;
}

/** How an empty text looks. Most bodies contain none. */
export const EMPTY_HINTS = ['"content":""', '"content": ""', '"content":[]', '"text":""', '"content":null'];

/** opencode's final instruction to a model that has used all its steps; not a left-over. */
const ORDER = /^CRITICAL - MAXIMUM STEPS REACHED/;

export function withoutLeftOver(turns: unknown[], isLeftOver: (turn: JsonObject) => boolean): unknown[] {
  const last = asObject(turns.at(-1));
  if (turns.length < 2 || !isLeftOver(last)) return turns;
  // As a user message it means the same to a model, and no service refuses it.
  if (ORDER.test(textOf(last["content"])))
    return [...turns.slice(0, -1), { role: "user", content: textOf(last["content"]) }];
  return withoutLeftOver(turns.slice(0, -1), isLeftOver);
}

export function isBlank(content: unknown): boolean {
  if (typeof content === "string") return content.trim() === "";
  if (!Array.isArray(content)) return content === undefined || content === null;
  return content.every((value) => {
    const part = asObject(value);
    return typeof part["text"] === "string" && part["text"].trim() === "";
  });
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  return asArray(content)
    .map((part) => asText(asObject(part)["text"]))
    .join("");
}
