import { asArray, asObject, asText, isObject, type JsonObject } from "../json.ts";
import type { ToolOrigin } from "./hub-answer.ts";
import type { ModelTraits } from "./model-traits.ts";

/**
 * Encrypted reasoning or a signature, which only the provider that wrote it accepts. `family` is the format in the words of
 * the provider, or empty.
 */
export interface Seal {
  family: string;
  data: string;
}

export type HubContent =
  | { kind: "text"; text: string }
  | { kind: "refusal"; text: string }
  /** An image without a URL is stored at its provider. */
  | { kind: "image"; url: string | undefined; detail: string | undefined }
  | { kind: "file"; name: string | undefined; data: string | undefined; id: string | undefined };

/** Content of a model. The order matters: a dialect may require reasoning before its call. */
export type HubSpoken =
  | { kind: "text"; text: string }
  | { kind: "refusal"; text: string }
  | { kind: "reasoning"; text: string; seal: Seal | undefined }
  | { kind: "call"; id: string; name: string; arguments: string };

export interface HubResult {
  callId: string;
  parts: HubContent[];
  /** Set if the tool has failed. */
  isError?: true;
}

/** One turn of a conversation. The results of a round of calls are a separate turn. */
export type HubTurn =
  | { role: "system" | "developer" | "user"; parts: HubContent[] }
  | { role: "assistant"; parts: HubSpoken[] }
  | { role: "tool"; results: HubResult[] };

export interface HubTool {
  name: string;
  description: string | undefined;
  parameters: unknown;
  /** Undefined: the default, which differs between dialects. */
  strict: boolean | undefined;
}

/** The format of the answer. `schema` has the name, description, schema and strict of a `json_schema`. */
export interface HubFormat {
  type: string;
  schema: JsonObject | undefined;
}

/** A request in block form, independent of the dialect. */
export interface HubRequest {
  model: string;
  turns: HubTurn[];
  tools: HubTool[];
  /** What only the client's dialect has of the tools, by the name of their function. */
  toolOrigins?: ReadonlyMap<string, ToolOrigin>;
  /** What is asked of the provider itself, such as a web search. */
  hosted?: readonly string[];
  /** `auto`, `none`, `required`, or one tool. */
  toolChoice: string | { name: string } | undefined;
  parallelToolCalls: unknown;
  stream: unknown;
  wantsUsage: boolean;
  temperature: unknown;
  topP: unknown;
  maxOutputTokens: unknown;
  effort: string | undefined;
  format: HubFormat | undefined;
  verbosity: unknown;
  stop: string[];
  /** Fields about the user and caching, in the names of the OpenAI dialects. */
  labels: JsonObject;
}

/** What a writer needs to know about the model that is asked. */
export interface RequestTarget {
  traits: ModelTraits;
  /** The name of the client's session, if it has one. */
  session?: string | undefined;
  /** The most output tokens of the model, if known. */
  outputLimit?: number | undefined;
}

export function addResult(turns: HubTurn[], result: HubResult): void {
  const last = turns.at(-1);
  if (last?.role === "tool") last.results.push(result);
  else turns.push({ role: "tool", results: [result] });
}

export function plainQuestion(model: string, text: string, maxOutputTokens: number): HubRequest {
  return {
    model,
    turns: [{ role: "user", parts: [{ kind: "text", text }] }],
    tools: [],
    toolChoice: undefined,
    parallelToolCalls: undefined,
    stream: undefined,
    wantsUsage: true,
    temperature: undefined,
    topP: undefined,
    maxOutputTokens,
    effort: undefined,
    format: undefined,
    verbosity: undefined,
    stop: [],
    labels: {},
  };
}

/** A field that only one dialect has, and its name in an error message. */
export type Wish = readonly [field: string, asksFor: (value: unknown) => boolean, words?: string];

export function noteWishes(body: JsonObject, wishes: readonly Wish[], unsaid: string[]): void {
  for (const [field, asksFor, words] of wishes) if (asksFor(body[field])) unsaid.push(words ?? field);
}

/** Reads tools. `described` returns the object with the name and the parameters of a function. */
export function readTools(
  tools: unknown,
  described: (tool: JsonObject) => JsonObject,
  unsaid: string[],
): HubTool[] {
  return asArray(tools).flatMap((value) => {
    const tool = asObject(value);
    if (tool["type"] !== "function") {
      unsaid.push(`tools of the type ${String(tool["type"])}`);
      return [];
    }
    const { name, description, parameters, strict } = described(tool);
    return [
      {
        name: asText(name),
        description: textIn(description),
        parameters: parameters ?? undefined,
        strict: typeof strict === "boolean" ? strict : undefined,
      },
    ];
  });
}

/** Reads a tool choice. `named` returns the name in the choice of one function. */
export function readToolChoice(
  choice: unknown,
  named: (choice: JsonObject) => unknown,
  unsaid: string[],
): HubRequest["toolChoice"] {
  if (!isObject(choice)) return typeof choice === "string" ? choice : undefined;
  if (choice["type"] === "function") return { name: asText(named(choice)) };
  unsaid.push(`a tool_choice of the type ${String(choice["type"])}`);
  return undefined;
}

export const LABELS = [
  "metadata",
  "user",
  "service_tier",
  "prompt_cache_key",
  "prompt_cache_retention",
  "safety_identifier",
];

/** A part with text; none if it is empty, because some dialects reject that. */
export function saidParts(
  kind: "text" | "refusal",
  value: unknown,
): { kind: "text" | "refusal"; text: string }[] {
  const text = asText(value);
  return text === "" ? [] : [{ kind, text }];
}

export function textIn(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

const SCHEMA = ["name", "description", "schema", "strict"];

/** Reads the format of the answer. `described` returns the object with the schema. */
export function readFormat(
  format: unknown,
  described: (format: JsonObject) => JsonObject,
): HubFormat | undefined {
  if (!isObject(format)) return undefined;
  const type = asText(format["type"]);
  if (type !== "json_schema") return { type, schema: undefined };
  const all = described(format);
  return {
    type,
    schema: Object.fromEntries(SCHEMA.flatMap((name) => (name in all ? [[name, all[name]]] : []))),
  };
}

export function textOf(parts: readonly (HubContent | HubSpoken)[], separator: string): string {
  return parts
    .flatMap((part) => (part.kind === "text" || part.kind === "refusal" ? part.text : []))
    .join(separator);
}

/** The text of a failed result, for dialects without a field for the failure. */
export function errorWords(text: string): string {
  return /^\s*\W{0,2}error/i.test(text) ? text : `Error: ${text}`;
}
