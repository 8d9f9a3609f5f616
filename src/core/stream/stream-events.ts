import type { Dialect } from "../routing/route.ts";

/** Tokens as the provider counted them. */
export interface Usage {
  input: number | undefined;
  output: number | undefined;
}

/** What one event of an answer means, whatever the dialect. */
export interface Meaning {
  /** Visible text of the answer. */
  text: string;
  hasReasoning: boolean;
  hasToolCall: boolean;
  /** Anything else a client shows, such as a refusal. */
  hasOther: boolean;
  /** The provider's reason for the end, as sent; undefined while the answer goes on. */
  finish: string | undefined;
  /** An error in place of an answer, as text for the verdict. */
  error: string | undefined;
  usage: Usage | undefined;
}

type Json = { [key: string]: unknown };

const NOTHING: Meaning = {
  text: "",
  hasReasoning: false,
  hasToolCall: false,
  hasOther: false,
  finish: undefined,
  error: undefined,
  usage: undefined,
};

/** Reads one event's JSON in its dialect. */
export function meaningOf(dialect: Dialect, event: unknown): Meaning {
  if (!isObject(event)) return NOTHING;
  return dialect === "chat" ? chatMeaning(event) : responsesMeaning(event);
}

/** Whether a client would show anything of it. */
export function isMeaningful(meaning: Meaning): boolean {
  return meaning.text !== "" || meaning.hasReasoning || meaning.hasToolCall || meaning.hasOther;
}

function chatMeaning(event: Json): Meaning {
  if (event["error"] !== undefined && event["error"] !== null)
    return { ...NOTHING, error: JSON.stringify(event) };
  const choice = asObject(asArray(event["choices"])[0]);
  const delta = asObject(choice["delta"]);
  const finish = choice["finish_reason"];
  return {
    text: asText(delta["content"]),
    hasReasoning: ["reasoning_content", "reasoning", "reasoning_text"].some(
      (field) => asText(delta[field]) !== "",
    ),
    hasToolCall: asArray(delta["tool_calls"]).length > 0 || isObject(delta["function_call"]),
    hasOther: asText(delta["refusal"]) !== "" || delta["audio"] !== undefined,
    finish: typeof finish === "string" && finish !== "" ? finish : undefined,
    error: undefined,
    usage: usageOf(event["usage"]),
  };
}

function responsesMeaning(event: Json): Meaning {
  const type = asText(event["type"]);
  const response = asObject(event["response"]);
  // Gateways send a chat's error, which has no type, into a stream of Responses, too.
  if (type === "error" || type === "response.failed" || (type === "" && isObject(event["error"])))
    return { ...NOTHING, error: responsesError(event, response) };
  if (type === "response.completed" || type === "response.incomplete") {
    const finish = type === "response.completed" ? "stop" : "length";
    return { ...NOTHING, finish, usage: usageOf(response["usage"]) };
  }
  if (type === "response.output_text.delta") return { ...NOTHING, text: asText(event["delta"]) };
  if (type.startsWith("response.reasoning") && type.endsWith(".delta"))
    return { ...NOTHING, hasReasoning: true };
  const item = asText(asObject(event["item"])["type"]);
  if (type.startsWith("response.function_call") || item.endsWith("_call"))
    return { ...NOTHING, hasToolCall: true };
  if (type.endsWith(".delta")) return { ...NOTHING, hasOther: true };
  return NOTHING;
}

/** The verdict wants an `error` at top level, where the chat dialect has it. */
function responsesError(event: Json, response: Json): string {
  const error = event["error"] ?? response["error"] ?? { message: event["message"], code: event["code"] };
  return JSON.stringify({ error });
}

/** The tokens counted in a `usage` of either dialect. */
export function usageOf(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const input = asCount(value["prompt_tokens"] ?? value["input_tokens"]);
  return { input, output: asCount(value["completion_tokens"] ?? value["output_tokens"]) };
}

function asCount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function asObject(value: unknown): Json {
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
