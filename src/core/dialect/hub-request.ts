import { asArray, asObject, asText, isObject, type JsonObject } from "../json.ts";

/**
 * What only the provider that wrote some reasoning can read again. The family is the format as the provider names it,
 * empty where it does not: a seal is of use to nobody outside its family.
 */
export interface Seal {
  family: string;
  data: string;
}

/** What people and tools say. */
export type HubContent =
  | { kind: "text"; text: string }
  | { kind: "refusal"; text: string }
  /** Without a URL the image is known only to the provider that keeps it. */
  | { kind: "image"; url: string | undefined; detail: string | undefined }
  | { kind: "file"; name: string | undefined; data: string | undefined; id: string | undefined };

/** What a model says. The parts of a turn keep their order: a dialect may check that reasoning precedes its call. */
export type HubSpoken =
  | { kind: "text"; text: string }
  | { kind: "refusal"; text: string }
  | { kind: "reasoning"; text: string; seal: Seal | undefined }
  | { kind: "call"; id: string; name: string; arguments: string };

export interface HubResult {
  callId: string;
  parts: HubContent[];
}

/** One turn of a conversation. Results are turns of their own: they follow the calls that they belong to. */
export type HubTurn =
  | { role: "system" | "developer" | "user"; parts: HubContent[] }
  | { role: "assistant"; parts: HubSpoken[] }
  | { role: "tool"; results: HubResult[] };

export interface HubTool {
  name: string;
  description: string | undefined;
  parameters: unknown;
  /** Undefined means the dialect's own default, and these differ. */
  strict: boolean | undefined;
}

/** The form of the answer. `schema` has the name, description, schema and strict of a `json_schema`. */
export interface HubFormat {
  type: string;
  schema: JsonObject | undefined;
}

/** A request in block form: what every dialect is read into and written from. */
export interface HubRequest {
  model: string;
  turns: HubTurn[];
  tools: HubTool[];
  /** `auto`, `none`, `required`, or one tool. */
  toolChoice: string | { name: string } | undefined;
  parallelToolCalls: unknown;
  stream: unknown;
  /** Whether a stream tells its tokens. */
  wantsUsage: boolean;
  temperature: unknown;
  topP: unknown;
  maxOutputTokens: unknown;
  effort: string | undefined;
  format: HubFormat | undefined;
  verbosity: unknown;
  stop: string[];
  /** Who asks and how to cache it, in the field names that both OpenAI dialects share. */
  labels: JsonObject;
}

/** The results of one round of calls are one turn. */
export function addResult(turns: HubTurn[], result: HubResult): void {
  const last = turns.at(-1);
  if (last?.role === "tool") last.results.push(result);
  else turns.push({ role: "tool", results: [result] });
}

/** One question without anything else. */
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

/** A field that asks for something only its own dialect has, by the words that name it in an error. */
export type Wish = readonly [field: string, asksFor: (value: unknown) => boolean, words?: string];

/** Notes the wishes that a request really has. */
export function noteWishes(body: JsonObject, wishes: readonly Wish[], unsaid: string[]): void {
  for (const [field, asksFor, words] of wishes) if (asksFor(body[field])) unsaid.push(words ?? field);
}

/** Reads a list of tools. `described` gives the table that describes a function. */
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

/** Reads a choice of tools. `named` gives the name in a choice of one function. */
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

/** Who asks and how to cache it: the fields that both OpenAI dialects have. */
export const LABELS = [
  "metadata",
  "user",
  "service_tier",
  "prompt_cache_key",
  "prompt_cache_retention",
  "safety_identifier",
];

/** A part of text; none for an empty one, which some dialects refuse. */
export function saidParts(
  kind: "text" | "refusal",
  value: unknown,
): { kind: "text" | "refusal"; text: string }[] {
  const text = asText(value);
  return text === "" ? [] : [{ kind, text }];
}

/** The value where it is a text. */
export function textIn(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

const SCHEMA = ["name", "description", "schema", "strict"];

/** Reads the form of an answer. `described` gives the table that describes its schema. */
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

/** The text of some parts. Refusals are text to a model that reads them. */
export function textOf(parts: readonly (HubContent | HubSpoken)[], separator: string): string {
  return parts
    .flatMap((part) => (part.kind === "text" || part.kind === "refusal" ? part.text : []))
    .join(separator);
}
