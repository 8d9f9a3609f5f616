import { asArray, asObject, isObject, type JsonObject, pick } from "./json-object.ts";

const FUNCTION = ["name", "description", "parameters"];

/** Chat tools in the flat form. Left unsaid, `strict` is off in one dialect and on in the other. */
export function toolsToResponses(tools: unknown, unsaid: string[]): JsonObject[] | undefined {
  return eachFunction(tools, unsaid, (tool) => {
    const described = asObject(tool["function"]);
    return { type: "function", ...pick(described, FUNCTION), strict: described["strict"] === true };
  });
}

/** Responses tools in the nested form. `strict` is said only where it is on: few providers know the word. */
export function toolsToChat(tools: unknown, unsaid: string[]): JsonObject[] | undefined {
  return eachFunction(tools, unsaid, (tool) => {
    const strict = tool["strict"] === true ? { strict: true } : {};
    return { type: "function", function: { ...pick(tool, FUNCTION), ...strict } };
  });
}

/** `auto`, `none` and `required` are the same words in both; a function is named in a flat form here. */
export function choiceToResponses(choice: unknown, unsaid: string[]): unknown {
  return choiceOf(choice, unsaid, (named) => ({
    type: "function",
    name: asObject(named["function"])["name"],
  }));
}

/** The same the other way round. */
export function choiceToChat(choice: unknown, unsaid: string[]): unknown {
  return choiceOf(choice, unsaid, (named) => ({ type: "function", function: { name: named["name"] } }));
}

function eachFunction(
  tools: unknown,
  unsaid: string[],
  turn: (tool: JsonObject) => JsonObject,
): JsonObject[] | undefined {
  const list = asArray(tools);
  // Some providers refuse an empty list.
  if (list.length === 0) return undefined;
  return list.flatMap((value) => {
    const tool = asObject(value);
    if (tool["type"] === "function") return [turn(tool)];
    unsaid.push(`tools of the type ${String(tool["type"])}`);
    return [];
  });
}

function choiceOf(choice: unknown, unsaid: string[], turn: (named: JsonObject) => JsonObject): unknown {
  if (!isObject(choice)) return choice;
  if (choice["type"] === "function") return turn(choice);
  unsaid.push(`a tool_choice of the type ${String(choice["type"])}`);
  return undefined;
}
