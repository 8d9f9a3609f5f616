import { asArray, asObject, asText, type JsonObject } from "../json.ts";

/**
 * What a broken answer leaves behind in an agent's history, and how much of it is taken out of the copy that is sent up.
 * `empty`: turns that say nothing, which strict services refuse. `left-over`: also a last turn that the model did not
 * finish, and calls that were never answered. Only an agent's history ends so by accident; other clients may mean it.
 */
export type Cleaning = "empty" | "left-over";

/** How a dialect keeps a conversation, and what is taken out of it. */
export interface HistoryRules {
  /** The field of the request that holds the turns. */
  readonly field: string;
  /** Texts without one of which a body holds nothing to take out, so that it need not be read. */
  readonly hints: readonly string[];
  /** The turns that are left. One that stays as it is is the same object. */
  clean(turns: unknown[], cleaning: Cleaning): unknown[];
  /** A last turn for the model to continue; absent if no service of the dialect does that. */
  readonly unfinished?: (text: string) => JsonObject;
}

/** How an empty text looks. In most bodies there is none. */
export const EMPTY_HINTS = ['"content":""', '"content": ""', '"content":[]', '"text":""', '"content":null'];

/** opencode's own last words to a model that has used up its steps: they are no left-over, but an order. */
const ORDER = /^CRITICAL - MAXIMUM STEPS REACHED/;

export function withoutLeftOver(turns: unknown[], isLeftOver: (turn: JsonObject) => boolean): unknown[] {
  const last = asObject(turns.at(-1));
  if (turns.length < 2 || !isLeftOver(last)) return turns;
  // From the user it means the same to a model, and no service refuses it.
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
