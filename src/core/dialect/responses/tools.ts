import { asArray, asObject, asText, isObject, type JsonObject, parseJson } from "../../json.ts";
import type { ToolOrigin } from "../hub-answer.ts";
import { type HubTool, textIn } from "../hub-request.ts";

/** The longest name of a function that all providers accept. */
const MAX_NAME = 64;

/** The tools of a request, and what only this dialect has of them. */
export interface ResponsesTools {
  tools: HubTool[];
  /** Tools that a provider runs itself, by type. */
  hosted: string[];
  /** Tools that have another form in this dialect, by the name of their function. */
  origins: Map<string, ToolOrigin>;
}

/** Reads tools. Those in namespaces and those with free text become functions, which every dialect has. */
export function readTools(listed: readonly unknown[]): ResponsesTools {
  const read: ResponsesTools = { tools: [], hosted: [], origins: new Map() };
  for (const tool of listed) addTool(read, asObject(tool), "");
  return read;
}

function addTool(read: ResponsesTools, tool: JsonObject, namespace: string): void {
  const name = asText(tool["name"]);
  switch (tool["type"]) {
    case "namespace":
      for (const inner of asArray(tool["tools"])) addTool(read, asObject(inner), name);
      return;
    case "function":
    case "custom": {
      const isCustom = tool["type"] === "custom";
      const flat = functionName(namespace, name);
      if (isCustom || flat !== name) read.origins.set(flat, { name, namespace, isCustom });
      read.tools.push(isCustom ? customTool(flat, tool) : functionTool(flat, tool));
      return;
    }
    default:
      read.hosted.push(String(tool["type"]));
  }
}

function functionTool(name: string, { description, parameters, strict }: JsonObject): HubTool {
  return {
    name,
    description: textIn(description),
    parameters: parameters ?? undefined,
    strict: typeof strict === "boolean" ? strict : undefined,
  };
}

/** A tool that takes free text: as a function with that text for its only argument. */
function customTool(name: string, { description, format }: JsonObject): HubTool {
  const { syntax, definition } = asObject(format);
  const grammar = asText(definition);
  const about = grammar === "" ? "" : `\n\nThe input must follow this ${asText(syntax)} grammar:\n${grammar}`;
  return {
    name,
    description: `${asText(description)}${about}`,
    parameters: {
      type: "object",
      properties: { input: { type: "string" } },
      required: ["input"],
      additionalProperties: false,
    },
    strict: undefined,
  };
}

/** The name of a tool as a function: the same in every request, and different for different tools. */
export function functionName(namespace: string, name: string): string {
  const joined = namespace === "" ? name : `${namespace}__${name}`;
  const plain = joined.replaceAll(/[^\w-]/g, "_");
  if (plain === joined && plain.length <= MAX_NAME) return plain;
  const mark = hashOf(joined);
  return `${plain.slice(0, MAX_NAME - mark.length - 1)}_${mark}`;
}

/** FNV-1a. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return (hash >>> 0).toString(36);
}

/** The free text of a call, as an argument of its function. */
export function argumentsOf(input: unknown): string {
  return JSON.stringify({ input: asText(input) });
}

/** The free text in the arguments of a function; of a model that ignored the parameters, all that it wrote. */
export function inputOf(written: string): string {
  const value = parseJson(written);
  return isObject(value) && typeof value["input"] === "string" ? value["input"] : written;
}
